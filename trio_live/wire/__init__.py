"""The service's JSON as msgspec structs: content, both sides' messages, and the codec.

Nothing here does I/O, reads a clock or knows of sessions. The rooms, from the ground up:

    base, marks           the root of all structs; what a field's type says beyond its shape
    enums                 known values of the service's enums, which stay plain text
    media, transcription, functions, content      what is said, by either side
    speech, schema, generation, auth, retrieval, tools, setup     what a session is to be
    usage, grounding      what the service tells beside content
    client, server        the messages of both sides
    codec                 JSON to structs and back
    fields                the structs' fields as data, for rules and documentation
"""
