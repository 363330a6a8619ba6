"""What waits for a connection: order, bounds, the age of media, activity in pairs."""

from __future__ import annotations

import pytest

from trio_live import (
    ActivityEnd,
    ActivityStart,
    SendAudio,
    SendQueueFull,
    SendRealtimeText,
    SendText,
    SendVideo,
    SessionCommand,
)
from trio_live.outage import OutageQueue

START, END, AUDIO = ActivityStart(), ActivityEnd(), SendAudio(bytes(640))


def queue(*, commands: int = 100, size: int = 10_000, age: float = 1.0) -> OutageQueue:
    """A queue with these bounds."""
    return OutageQueue(commands, size, age)


def filled(*waiting: SessionCommand, age: float = 1.0) -> OutageQueue:
    """A queue in which these wait since time 0."""
    made = queue(age=age)
    for command in waiting:
        made.put(command, 10, 0.0)
    return made


def test_order_is_that_of_acceptance_whatever_the_kind() -> None:
    """Media and the rest have bounds of their own, and one order."""
    waiting: list[SessionCommand] = [
        SendText("a"),
        AUDIO,
        SendText("b"),
        SendVideo(b"v"),
        SendText("c"),
    ]
    assert filled(*waiting).take(0.5, active=False) == waiting


def test_media_that_is_too_old_is_dropped_and_counted() -> None:
    """What is exactly as old as it may be is still sent; text of any age is."""
    old = queue(age=1.0)
    for now in (0.0, 1.0, 2.0):
        old.put(AUDIO, 10, now)
        old.put(SendText(f"{now}"), 10, now)
    assert old.take(2.5, active=False) == [SendText("0.0"), SendText("1.0"), AUDIO, SendText("2.0")]
    assert old.dropped == {"SendAudio": 2}


def test_media_is_bounded_by_dropping_the_oldest() -> None:
    """A microphone that runs on for hours takes no more memory than the bound."""
    bounded = queue(size=100, age=1e9)
    for number in range(1_000):
        bounded.put(SendAudio(bytes(2 * number + 2)), 10, 0.0)
    assert len(bounded) == 10
    assert bounded.size == 100
    assert bounded.dropped == {"SendAudio": 990}
    assert bounded.take(0.0, active=False)[-1] == SendAudio(bytes(2_000))


@pytest.mark.parametrize("bound", ["commands", "size"])
def test_queue_that_is_full_refuses_commands_but_not_media(bound: str) -> None:
    """The error is the caller's; the last one may go beyond the bound in bytes."""
    small = queue(**{bound: 2})
    for _ in range(2):
        small.check_room(SendText("x"))
        small.put(SendText("x"), 1, 0.0)
    with pytest.raises(SendQueueFull, match="nothing was sent"):
        small.check_room(SendText("x"))
    small.check_room(AUDIO)


def test_what_could_not_be_sent_waits_on_with_its_age_and_size() -> None:
    """However often a connection takes nothing, audio does not become younger."""
    waiting = queue(size=30)
    for now in (0.0, 0.4):
        waiting.put(AUDIO, 10, now)  # the same object both times
        waiting.put(SendText("a"), 15, now)
    waiting.put(END, 1, 0.5)
    taken = waiting.take(0.6, active=True)
    assert taken == [START, AUDIO, SendText("a"), AUDIO, SendText("a"), END]
    waiting.give_back(taken[2:], 0.6)
    assert (len(waiting), waiting.size) == (4, 41)
    with pytest.raises(SendQueueFull):
        waiting.check_room(SendText("more"))
    assert waiting.take(1.5, active=None) == [SendText("a"), SendText("a"), END]
    assert waiting.dropped == {"SendAudio": 1}
    waiting.give_back([], 1.5)
    assert not waiting.size


def test_what_is_put_back_comes_first() -> None:
    """What the old connection had not written goes before what was accepted later."""
    later = filled(SendText("c"), AUDIO)
    later.put_back([(SendText("a"), 1, -1.0), (SendText("b"), 1, -0.5)])
    assert later.take(0.0, active=False) == [SendText("a"), SendText("b"), SendText("c"), AUDIO]


@pytest.mark.parametrize(
    ("waiting", "active", "sent", "dropped"),
    [
        # It goes on, and began on the old connection.
        ([], True, [START], {}),
        ([AUDIO], True, [START, AUDIO], {}),
        # It ended while nobody listened: with something said, and without.
        ([AUDIO, END], False, [START, AUDIO, END], {}),
        ([END], False, [], {"ActivityEnd": 1}),
        # It began and ended, or goes on.
        ([START, AUDIO, END], False, [START, AUDIO, END], {}),
        ([START, SendRealtimeText("t"), END], False, [START, SendRealtimeText("t"), END], {}),
        ([START, END], False, [], {"ActivityStart": 1, "ActivityEnd": 1}),
        ([START, SendText("t")], True, [START, SendText("t")], {}),
        # Both, and what lies between them.
        ([END, SendText("t"), START], True, [SendText("t"), START], {"ActivityEnd": 1}),
        ([AUDIO, END, START, AUDIO, END], False, [START, AUDIO, END] * 2, {}),
        (
            [START, SendText("t"), END],
            False,
            [SendText("t")],
            {"ActivityStart": 1, "ActivityEnd": 1},
        ),
        ([SendText("t")], False, [SendText("t")], {}),
    ],
)
def test_activity_comes_out_in_pairs(
    waiting: list[SessionCommand],
    active: bool,
    sent: list[SessionCommand],
    dropped: dict[str, int],
) -> None:
    """A new connection knows nothing of what was begun on the old one, and wants pairs."""
    made = filled(*waiting)
    assert made.take(0.0, active=active) == sent
    assert made.dropped == dropped


def test_activity_whose_audio_is_too_old_is_dropped_with_it() -> None:
    """A pair around nothing would make the service wait."""
    made = filled(START, AUDIO, END)
    assert made.take(5.0, active=False) == []
    assert made.dropped == {"SendAudio": 1, "ActivityStart": 1, "ActivityEnd": 1}
