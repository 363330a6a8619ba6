"""Music sessions (Lyria RealTime): their messages, their rules, and the block around one.

    wire              the service's JSON for music as structs
    commands, events  what a music session is told, what it tells
    protocol          the conversation without I/O
    handle            what users hold
    runner, session   what runs it; open_music_session

A music session is simpler than a Live session: no turns, tools or resumption. What both need
(transport, fan-out, close codes, errors, endpoints) is taken from there. What must not live here:
imports, because `trio_live.events` knows these events' sizes.
"""
