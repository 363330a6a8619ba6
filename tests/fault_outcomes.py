"""What each fault at each point of a session comes to: the table of the fault matrix.

At each point, behind a colon, what every conversation there begins with. Then for each fault the
rest: the turns that came to an end, those that were cut, the losses with code or status and the
number of the attempt, how the session went on, what was told of commands, how it ended: the error
with its code, whether it passes, and the phase; and how many seconds it all took.
"""

from __future__ import annotations

from typing import Final

OUTCOMES: Final = """
at before-upgrade
rst             ConnectError passing in CONNECTING | 0 s
half-open       ConnectTimeout passing in CONNECTING | 10 s
stall           ConnectTimeout passing in CONNECTING | 10 s
trickle         ConnectTimeout passing in CONNECTING | 10 s
truncated       ConnectError passing in CONNECTING | 0 s
garbage         ConnectError passing in CONNECTING | 0 s
http            ConnectError 503 passing in CONNECTING | 0 s

at after-upgrade
close           SetupError 1011 passing in SETUP_SENT | 0 s
rst             SetupError 1006 passing in SETUP_SENT | 0 s
half-open       SetupTimeout passing in SETUP_SENT | 10 s
stall           SetupTimeout passing in SETUP_SENT | 10 s
trickle         SetupTimeout passing in SETUP_SENT | 10 s
truncated       SetupError 1006 passing in SETUP_SENT | 0 s
garbage         SetupError 1006 passing in SETUP_SENT | 0 s
invalid-utf8    SetupError 1006 passing in SETUP_SENT | 0 s
nonsense        Error, turn, turn, end 1000 | 40 s
oversized       SetupError 1009 for good in SETUP_SENT | 0 s
silence         SetupTimeout passing in SETUP_SENT | 10 s
go-away         GoAway, turn, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   turn, turn, end 1000 | 40 s
quota           SetupError 1011 passing in SETUP_SENT | 0 s
cancelled       SetupError 1000 passing in SETUP_SENT | 0 s
unknown-handle  SetupError 1008 for good in SETUP_SENT | 0 s
unavailable     SetupError 1011 passing in SETUP_SENT | 0 s

at on-resume: turn, lost 1006 #1
close           lost 1011 #2, resumed, replayed Text, turn, end 1000 | 41 s
rst             lost 1006 #2, resumed, replayed Text, turn, end 1000 | 41 s
half-open       lost None #2, resumed, replayed Text, turn, end 1000 | 51 s
stall           lost None #2, resumed, replayed Text, turn, end 1000 | 51 s
trickle         lost None #2, resumed, replayed Text, turn, end 1000 | 51 s
truncated       lost 1006 #2, resumed, replayed Text, turn, end 1000 | 41 s
garbage         lost 1006 #2, resumed, replayed Text, turn, end 1000 | 41 s
invalid-utf8    lost 1006 #2, resumed, replayed Text, turn, end 1000 | 41 s
nonsense        Error, resumed, replayed Text, turn, end 1000 | 40 s
oversized       end 1006 badly, ConnectionLost 1009 for good in ACTIVE | 0 s
silence         lost None #2, resumed, replayed Text, turn, end 1000 | 51 s
go-away         GoAway, resumed, replayed Text, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   resumed, replayed Text, turn, end 1000 | 40 s
quota           lost 1011 #2, resumed, replayed Text, turn, end 1000 | 101 s
cancelled       lost 1000 #2, resumed, replayed Text, turn, end 1000 | 41 s
unknown-handle  lost 1008 #2, afresh, replayed Text, turn, end 1000 | 41 s
unavailable     lost 1011 #2, resumed, replayed Text, turn, end 1000 | 41 s

at after-setup
close           lost 1011 #1, afresh, turn, turn, end 1000 | 40 s
rst             lost 1006 #1, afresh, turn, turn, end 1000 | 40 s
half-open       cut, lost 1006 #1, afresh, uncertain Text, turn, end 1000 | 100 s
stall           turn, turn, end 1000 | 70 s
trickle         cut, lost 1006 #1, afresh, turn, end 1000 | 133 s
truncated       lost 1006 #1, afresh, turn, turn, end 1000 | 40 s
garbage         lost 1006 #1, afresh, turn, turn, end 1000 | 40 s
invalid-utf8    lost 1006 #1, afresh, turn, turn, end 1000 | 40 s
nonsense        Error, turn, turn, end 1000 | 40 s
oversized       end 1009 badly, ConnectionLost 1009 for good in ACTIVE | 0 s
silence         cut, lost 1006 #1, afresh, turn, end 1000 | 101 s
go-away         GoAway, turn, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   turn, turn, end 1000 | 40 s
quota           lost 1011 #1, afresh, replayed Text, turn, turn, end 1000 | 101 s
cancelled       lost 1000 #1, afresh, turn, turn, end 1000 | 40 s
unknown-handle  end 1008 badly, ConnectionLost 1008 for good in ACTIVE | 0 s
unavailable     lost 1011 #1, afresh, turn, turn, end 1000 | 40 s

at during-replay: turn, lost 1006 #1, resumed, replayed Text
close           cut, lost 1011 #2, resumed, uncertain Text, turn, end 1000 | 41 s
rst             cut, lost 1006 #2, resumed, uncertain Text, turn, end 1000 | 41 s
half-open       cut, lost 1006 #1, resumed, uncertain Text, turn, end 1000 | 100 s
stall           turn, end 1000 | 70 s
trickle         cut, lost 1006 #1, resumed, turn, end 1000 | 133 s
truncated       cut, lost 1006 #2, resumed, uncertain Text, turn, end 1000 | 41 s
garbage         cut, lost 1006 #2, resumed, uncertain Text, turn, end 1000 | 41 s
invalid-utf8    cut, lost 1006 #2, resumed, uncertain Text, turn, end 1000 | 41 s
nonsense        Error, turn, end 1000 | 40 s
oversized       uncertain Text, end 1009 badly, ConnectionLost 1009 for good in ACTIVE | 0 s
silence         cut, lost 1006 #2, resumed, turn, end 1000 | 102 s
go-away         GoAway, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   turn, end 1000 | 40 s
quota           cut, lost 1011 #2, resumed, uncertain Text, turn, end 1000 | 101 s
cancelled       cut, lost 1000 #2, resumed, uncertain Text, turn, end 1000 | 41 s
unknown-handle  cut, lost 1008 #2, afresh, uncertain Text, turn, end 1000 | 41 s
unavailable     cut, lost 1011 #2, resumed, uncertain Text, turn, end 1000 | 41 s

at during-turn: turn
close           cut, lost 1011 #1, resumed, turn, end 1000 | 40 s
rst             cut, lost 1006 #1, resumed, turn, end 1000 | 40 s
half-open       cut, lost 1006 #1, resumed, turn, end 1000 | 100 s
stall           turn, end 1000 | 70 s
trickle         cut, lost 1006 #1, resumed, turn, end 1000 | 102 s
truncated       cut, lost 1006 #1, resumed, turn, end 1000 | 40 s
garbage         cut, lost 1006 #1, resumed, turn, end 1000 | 40 s
invalid-utf8    cut, lost 1006 #1, resumed, turn, end 1000 | 40 s
nonsense        Error, turn, end 1000 | 40 s
oversized       end 1009 badly, ConnectionLost 1009 for good in MODEL_SPEAKING | 0 s
silence         cut, lost 1006 #1, resumed, turn, end 1000 | 101 s
go-away         GoAway, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   turn, end 1000 | 40 s
quota           cut, lost 1011 #1, resumed, turn, end 1000 | 101 s
cancelled       cut, lost 1000 #1, resumed, turn, end 1000 | 40 s
unknown-handle  cut, lost 1008 #1, afresh, turn, end 1000 | 40 s
unavailable     cut, lost 1011 #1, resumed, turn, end 1000 | 40 s

at during-tool-call: turn
close           refused, cut, lost 1011 #1, call gone, resumed, turn, end 1000 | 40 s
rst             refused, cut, lost 1006 #1, call gone, resumed, turn, end 1000 | 40 s
half-open       cut, lost 1006 #1, resumed, uncertain ToolResponse, turn, end 1000 | 100 s
stall           turn, end 1000 | 70 s
trickle         cut, lost 1006 #1, resumed, turn, end 1000 | 102 s
truncated       refused, cut, lost 1006 #1, call gone, resumed, turn, end 1000 | 40 s
garbage         refused, cut, lost 1006 #1, call gone, resumed, turn, end 1000 | 40 s
invalid-utf8    refused, cut, lost 1006 #1, call gone, resumed, turn, end 1000 | 40 s
nonsense        Error, turn, end 1000 | 40 s
oversized       end 1009 badly, ConnectionLost 1009 for good in TOOL_CALL_PENDING | 0 s
silence         cut, lost 1006 #1, resumed, turn, end 1000 | 101 s
go-away         GoAway, turn, lost None #0, resumed, turn, end 1000 | 40 s
not-resumable   turn, end 1000 | 40 s
quota           cut, lost 1011 #1, call gone, resumed, dropped ToolResponse, turn, end 1000 | 101 s
cancelled       refused, cut, lost 1000 #1, call gone, resumed, turn, end 1000 | 40 s
unknown-handle  refused, cut, lost 1008 #1, call gone, afresh, turn, end 1000 | 40 s
unavailable     refused, cut, lost 1011 #1, call gone, resumed, turn, end 1000 | 40 s

at while-closing
close           turn, turn, end 1011 badly | 40 s
rst             turn, turn, end 1006 badly | 40 s
half-open       turn, turn, end 1006 badly | 45 s
stall           turn, turn, end 1006 badly | 45 s
trickle         turn, turn, end 1000 | 43 s
truncated       turn, turn, end 1006 badly | 40 s
garbage         turn, turn, end 1000 | 40 s
invalid-utf8    turn, turn, end 1000 | 40 s
nonsense        turn, turn, Error, end 1000 | 40 s
oversized       turn, turn, end 1009 badly | 40 s
quota           turn, turn, end 1011 badly | 40 s
cancelled       turn, turn, end 1000 | 40 s
unknown-handle  turn, turn, end 1008 badly | 40 s
unavailable     turn, turn, end 1011 badly | 40 s

at before-upgrade+1: turn, lost 1006 #1
http=301        end 1006 badly, ConnectionLost 1006/301 for good in ACTIVE | 0 s
http=401        end 1006 badly, ConnectionLost 1006/401 for good in ACTIVE | 0 s
http=403        end 1006 badly, ConnectionLost 1006/403 for good in ACTIVE | 0 s
http=404        end 1006 badly, ConnectionLost 1006/404 for good in ACTIVE | 0 s
http=429        lost 429 #2, resumed, replayed Text, turn, end 1000 | 101 s
http=429,5      lost 429 #2, resumed, replayed Text, turn, end 1000 | 46 s
http=503        lost 503 #2, resumed, replayed Text, turn, end 1000 | 41 s
rst             lost None #2, resumed, replayed Text, turn, end 1000 | 41 s
half-open       lost None #2, resumed, replayed Text, turn, end 1000 | 51 s
garbage         lost None #2, resumed, replayed Text, turn, end 1000 | 41 s
"""
