"""One browser's live websocket: a task group that joins its messages, its watches and what is sent to it."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from enum import IntEnum
from typing import assert_never

import anyio
from anyio.abc import TaskGroup
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent_console.auth.errors import AuthRequiredError
from agent_console.auth.sign_in import Authentication
from agent_console.live.hub import LiveHub
from agent_console.live.limits import LiveLimits
from agent_console.live.outgoing import Outgoing
from agent_console.live.protocol import (
    ClientMessage,
    FloodError,
    ListCalls,
    MessageError,
    Ping,
    TooManyWatchesError,
    Unwatch,
    Watch,
    calls_message,
    caught_up_message,
    error_message,
    parse_client_message,
    pong_message,
)
from agent_console.traces import frames_of
from routing.events import Stamped
from routing.journal.ports import JournalReader
from voice.contracts.audio import CallId
from voice.contracts.errors import CapacityError, JournalError, WarmlineError
from voice.contracts.ports import Clock
from voice.rates import RateLimit, TokenBucket

HISTORY_EVENTS = 250
"""Events of history that are read at once."""

ABORT_EXTENSION = "warmline.abort"
"""ASGI extension of `agent_console.server`: `scope["extensions"][…]["abort"]()` cuts the connection at once."""

_log = logging.getLogger(__name__)


class CloseCode(IntEnum):
    """Why the server closes (RFC 6455, section 7.4; 4000 to 4999 are the application's own)."""

    PROTOCOL_VIOLATED = 1008
    BROKEN = 1011
    TOO_SLOW = 1013
    SESSION_OVER = 4401


@dataclass(slots=True, eq=False)
class _Watched:
    """A call that this console watches."""

    call: CallId
    after: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class LiveSocket:
    """Speaks the protocol of `agent_console.live.protocol` with one browser that has been let in."""

    def __init__(
        self,
        websocket: WebSocket,
        *,
        session_id: str,
        journal: JournalReader,
        auth: Authentication,
        hub: LiveHub,
        clock: Clock,
        limits: LiveLimits,
    ) -> None:
        self._websocket = websocket
        self._session_id = session_id
        self._journal = journal
        self._auth = auth
        self._hub = hub
        self._clock = clock
        self._limits = limits
        self._outgoing = Outgoing(limits.outgoing)
        self._watched: dict[CallId, _Watched] = {}
        self._lists = False
        self._ending: tuple[CloseCode, str] | None = None
        self._tasks: TaskGroup | None = None

    @property
    def session_id(self) -> str:
        """Whose it is."""
        return self._session_id

    def end_session(self) -> None:
        """Close it, because its session is over."""
        self._end(CloseCode.SESSION_OVER, "the session is over")

    async def serve(self) -> None:
        """Accept the connection and serve it until either side ends it."""
        with self._hub.holding(self):
            try:
                await self._websocket.accept()
                async with AsyncExitStack() as stack:
                    self._tasks = await stack.enter_async_context(anyio.create_task_group())
                    if self._ending is not None:  # the session ended during the handshake
                        self._tasks.cancel_scope.cancel()
                    self._tasks.start_soon(self._send)
                    self._tasks.start_soon(self._check_session)
                    await self._receive(stack)
                    self._tasks.cancel_scope.cancel()
            except WebSocketDisconnect:
                return
            except Exception as error:  # a stage boundary: one broken console takes nothing else along
                _log.error("a live socket broke: %s", frames_of(error))  # messages may hold content
                self._ending = (CloseCode.BROKEN, "an error on the server")
            if self._ending is not None:
                _log.info("a live socket is closed (%d %s)", *self._ending)
                await self._close(*self._ending)

    async def _receive(self, stack: AsyncExitStack) -> None:
        bucket = TokenBucket(RateLimit(self._limits.messages_per_s, self._limits.burst), self._clock.now_s())
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not bucket.take(self._clock.now_s()):
                self._end(CloseCode.PROTOCOL_VIOLATED, FloodError.code)
                return
            try:
                await self._obey(parse_client_message(message.get("text")), stack)
            except MessageError as error:
                self._answer(error_message(error))

    async def _obey(self, message: ClientMessage, stack: AsyncExitStack) -> None:
        match message:
            case ListCalls():
                await self._hub.board.wait_loaded()
                # The list and the subscription belong together: no await stands between them.
                self._answer(calls_message(self._hub.board.recent()))
                if not self._lists:
                    self._lists = True
                    stack.enter_context(self._hub.board.listening(self._take_line))
            case Watch(call=call, after=after):
                self._watch(call, after)
            case Unwatch(call=call):
                self._forget(call)
            case Ping():
                self._answer(pong_message(message))
            case _:
                assert_never(message)

    def _watch(self, call: CallId, after: int) -> None:
        self._forget(call)
        if len(self._watched) >= self._limits.watches:
            refusal = TooManyWatchesError(
                f"At most {self._limits.watches} calls can be watched at once.", fix="Unwatch one first."
            )
            self._answer(error_message(refusal, call))
            return
        watched = _Watched(call, after)
        self._watched[call] = watched
        if self._tasks is not None:
            self._tasks.start_soon(self._relay, watched)

    def _forget(self, call: CallId) -> None:
        watched = self._watched.pop(call, None)
        if watched is not None:
            watched.scope.cancel()
            self._outgoing.drop_events(call)

    async def _relay(self, watched: _Watched) -> None:
        """Send a call's history, then what happens, at this console's pace."""
        call = watched.call
        with watched.scope:
            try:
                last_seq = await self._send_history(watched)
                self._answer(caught_up_message(call, last_seq))
                async with aclosing(self._journal.follow(call, after=last_seq)) as events:
                    async for stamped in events:
                        # A follower queues nothing, so waiting here holds up this console alone.
                        await self._send_event(watched, stamped)
            except JournalError as error:
                self._answer(error_message(error, call))
            finally:
                if self._watched.get(call) is watched:
                    del self._watched[call]

    async def _send_history(self, watched: _Watched) -> int:
        last_seq = watched.after
        while True:
            page = await self._journal.read(watched.call, after=last_seq, limit=HISTORY_EVENTS)
            for stamped in page:
                await self._send_event(watched, stamped)
                last_seq = stamped.seq
            if len(page) < HISTORY_EVENTS:
                return last_seq

    async def _send_event(self, watched: _Watched, stamped: Stamped) -> None:
        await self._outgoing.room()
        # A watch that was given up may run once more before its cancellation arrives.
        if self._watched.get(watched.call) is watched:
            self._outgoing.put_event(watched.call, self._hub.encoded.text(stamped))

    async def _send(self) -> None:
        while True:
            text = await self._outgoing.take()
            with anyio.move_on_after(self._limits.stall_s) as patience:
                try:
                    await self._websocket.send_text(text)
                except WebSocketDisconnect:
                    self._end(None)
                    return
            if patience.cancelled_caught:
                self._end(CloseCode.TOO_SLOW, "too slow; resume by seq")
                return

    async def _check_session(self) -> None:
        """An open console counts as use of its session; one whose session is over is closed."""
        while True:
            await self._clock.sleep_until(self._clock.now_s() + self._limits.session_check_s)
            try:
                await self._auth.session(self._session_id)
            except AuthRequiredError:
                self.end_session()
                return
            except WarmlineError as error:
                # The accounts' storage is in trouble: the call on the screen matters more.
                _log.warning("a session could not be checked (%s)", error.code)

    def _take_line(self, call: CallId, line: str) -> None:
        try:
            self._outgoing.put_line(call, line)
        except CapacityError:
            self._end(CloseCode.TOO_SLOW, "too slow; resume by seq")

    def _answer(self, text: str) -> None:
        try:
            self._outgoing.put(text)
        except CapacityError:
            self._end(CloseCode.TOO_SLOW, "too slow; resume by seq")

    def _end(self, code: CloseCode | None, reason: str = "") -> None:
        """Leave the task group; with a code, the connection is closed with it."""
        if self._ending is None and code is not None:
            self._ending = (code, reason)
        if self._tasks is not None:
            self._tasks.cancel_scope.cancel()

    async def _close(self, code: CloseCode, reason: str) -> None:
        """Close; a browser that does not even take the close is cut off."""
        with anyio.move_on_after(self._limits.close_s, shield=True) as patience:
            try:
                await self._websocket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError):
                return  # the browser was faster
        if patience.cancelled_caught:
            extension = self._websocket.scope.get("extensions", {}).get(ABORT_EXTENSION)
            if extension is not None:
                extension["abort"]()
