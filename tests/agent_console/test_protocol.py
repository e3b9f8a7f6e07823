"""The websocket's messages, the outgoing queue and the token bucket: pure parts."""

from __future__ import annotations

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_console.live.outgoing import Outgoing
from agent_console.live.protocol import (
    MAX_SEQ,
    ListCalls,
    MessageError,
    Ping,
    UnknownOperationError,
    Unwatch,
    Watch,
    caught_up_message,
    error_message,
    events_message,
    parse_client_message,
    pong_message,
)
from voice.contracts.audio import CallId
from voice.contracts.errors import CapacityError, UnknownCallError

calls = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z").map(CallId)
messages = st.one_of(
    st.just(({"op": "list"}, ListCalls())),
    st.tuples(calls, st.integers(-1, MAX_SEQ)).map(
        lambda each: ({"op": "watch", "call": each[0], "after": each[1]}, Watch(*each))
    ),
    calls.map(lambda call: ({"op": "unwatch", "call": call}, Unwatch(call))),
    st.one_of(st.integers(-MAX_SEQ, MAX_SEQ), st.text(st.characters(exclude_categories=["Cs"]), max_size=64)).map(
        lambda each: ({"op": "ping", "id": each}, Ping(each))
    ),
)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(messages)
def test_a_good_message_is_understood(pair: tuple[dict[str, object], object]) -> None:
    document, expected = pair
    assert parse_client_message(orjson.dumps(document).decode()) == expected


@given(st.text(max_size=200))
def test_noise_is_a_typed_error(text: str) -> None:
    with pytest.raises(MessageError):
        parse_client_message(text)


@given(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["list", "watch", "unwatch", "ping"]) | json},
        optional={"call": json, "after": json, "id": json, "x": json},
    )
)
def test_whatever_json_comes_the_answer_is_a_message_or_a_typed_error(document: dict[str, object]) -> None:
    try:
        text = orjson.dumps(document).decode()
    except TypeError:  # beyond what JSON holds
        return
    refusal: MessageError | None = None
    try:
        found = parse_client_message(text)
    except MessageError as error:
        refusal = error
    if refusal is not None:
        assert refusal.code in ("ws.malformed", "ws.unknown_op")
        assert len(str(refusal)) < 300
        return
    match found:
        case Watch(call=call, after=after):
            assert (document["call"], document["after"]) == (call, after)
            assert type(after) is int
        case Ping(id=number):
            assert document["id"] == number
        case Unwatch(call=call):
            assert document["call"] == call
        case ListCalls():
            assert document == {"op": "list"}


def test_a_binary_message_is_malformed() -> None:
    with pytest.raises(MessageError, match="binary"):
        parse_client_message(None)


def test_an_unknown_operation_is_not_repeated_at_length() -> None:
    with pytest.raises(UnknownOperationError) as refusal:
        parse_client_message(orjson.dumps({"op": "x" * 50_000}).decode())
    assert len(str(refusal.value)) < 200


def test_answers_are_json() -> None:
    answers = [
        pong_message(Ping('a"b')),
        caught_up_message(CallId("c"), 7),
        error_message(UnknownCallError("no\n", fix="do"), CallId("c")),
        events_message(CallId("c"), ['{"seq":1}', '{"seq":2}']),
        events_message(CallId("c"), []),
    ]
    assert [orjson.loads(answer) for answer in answers] == [
        {"op": "pong", "id": 'a"b'},
        {"op": "caught_up", "call": "c", "last_seq": 7},
        {"op": "error", "code": "call.unknown", "message": "no\n do", "call": "c"},
        {"op": "events", "call": "c", "events": [{"seq": 1}, {"seq": 2}]},
        {"op": "events", "call": "c", "events": []},
    ]


A, B = CallId("a"), CallId("b")


async def drain(queue: Outgoing) -> list[str]:
    taken = []
    while queue.held:
        taken.append(await queue.take())
    return taken


@pytest.mark.anyio
async def test_events_that_follow_each_other_travel_together_and_in_order() -> None:
    queue = Outgoing(100)
    for call, number in ((A, 0), (A, 1), (B, 0), (A, 2)):
        queue.put_event(call, str(number))
    queue.put('{"caught":"up"}')
    queue.put_event(A, "3")
    assert queue.held == 6
    assert await drain(queue) == [
        '{"op":"events","call":"a","events":[0,1]}',
        '{"op":"events","call":"b","events":[0]}',
        '{"op":"events","call":"a","events":[2]}',
        '{"caught":"up"}',
        '{"op":"events","call":"a","events":[3]}',
    ]


@pytest.mark.anyio
async def test_a_batch_stays_within_a_frame() -> None:
    queue = Outgoing(1_000)
    for _ in range(200):
        queue.put_event(A, '"' + "话" * 400 + '"')
    messages = await drain(queue)
    assert max(len(message.encode()) for message in messages) <= 65_536
    assert sum(len(orjson.loads(message)["events"]) for message in messages) == 200
    assert len(messages) == 4


@pytest.mark.anyio
async def test_an_unsent_line_gives_way_to_the_newer_one() -> None:
    queue = Outgoing(3)
    for number in range(50):
        queue.put_line(A, f"a{number}")
        queue.put_line(B, f"b{number}")
    assert await drain(queue) == ["a49", "b49"]
    queue.put_line(A, "again")
    assert await drain(queue) == ["again"]


def test_the_queue_is_bounded() -> None:
    queue = Outgoing(4)
    queue.put("x")
    queue.put_event(A, "1")
    queue.put_event(A, "2")
    queue.put_line(A, "line")
    with pytest.raises(CapacityError):
        queue.put("y")
    with pytest.raises(CapacityError):
        queue.put_event(A, "3")
    with pytest.raises(CapacityError):
        queue.put_line(B, "line")
    assert queue.held == 4


@pytest.mark.anyio
async def test_room_is_half_of_the_queue_and_everybody_who_waits_gets_it() -> None:
    queue = Outgoing(4)
    queue.put("1")
    queue.put("2")
    through: list[int] = []

    async def wait(number: int) -> None:
        await queue.room()
        through.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(wait, number)
        await anyio.wait_all_tasks_blocked()
        assert through == []
        await queue.take()
    assert sorted(through) == [0, 1, 2]


@pytest.mark.anyio
async def test_dropped_events_are_gone_and_leave_the_rest() -> None:
    queue = Outgoing(4)
    queue.put_event(A, "1")
    queue.put("x")
    queue.put_event(B, "1")
    queue.drop_events(A)
    assert queue.held == 2
    assert await drain(queue) == ["x", '{"op":"events","call":"b","events":[1]}']
