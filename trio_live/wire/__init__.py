"""The service's JSON as msgspec structs: content, both sides' messages, and the codec.

Nothing here does I/O, reads a clock or knows of sessions.
"""
