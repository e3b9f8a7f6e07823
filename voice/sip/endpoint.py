"""The telephone line of a process: its sockets, its clock's ticks, and the legs on it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from voice.contracts.audio import FRAME_SAMPLES, Party, Pcm, to_s
from voice.contracts.errors import WarmlineError
from voice.contracts.ports import Clock
from voice.contracts.sip_errors import SipCallError, SipError, SipPortError
from voice.sip.agent import Incoming, UserAgent
from voice.sip.call_terms import CallEnd, CallTerms, Referral
from voice.sip.calls import SipCall
from voice.sip.codecs import Codec
from voice.sip.dialog import LocalAddress
from voice.sip.digest import Credentials
from voice.sip.gate import RETRY_S, Refusal
from voice.sip.latch import Address
from voice.sip.leg import SipLeg
from voice.sip.line import Line, line_of
from voice.sip.messages import Response, Uri, read_address
from voice.sip.outgoing import OutgoingCall
from voice.sip.questions import Question
from voice.sip.referral import Referrals
from voice.sip.registration import Registration
from voice.sip.sockets import AudioPorts, AudioSockets, Datagrams, Streams, own_address
from voice.sip.tls import caller_context, server_context
from voice.sip.transactions import Flow
from voice.sip.trunks import DEFAULT_CODECS, Registrar, SipSettings

ANY_PORT_TRIES: Final = 20
"""How many ports are tried where any will do; one that is free for UDP may be taken for TCP."""

TICK_S: Final = to_s(FRAME_SAMPLES)
MAX_WELCOMES: Final = 200
"""Calls that wait to be taken; one more is told to try later. At 10 a second, 20 s."""

FAREWELL_S: Final = 2.0
"""How long the other sides may take to answer the last BYEs."""

TELL_EVERY_S: Final = 60.0
"""How often the log tells what was refused, by reason."""

_log = logging.getLogger(__name__)

TakeCall = Callable[[SipLeg, Line], Awaitable[None]]
"""Begins a call on a leg and returns when it shall be answered; raises `WarmlineError` where no call can be taken."""


class SipEndpoint:
    """Answers and makes calls; made by `SipEndpoint.open`.

    Args:
        settings: see there.
        clock: time.
    """

    def __init__(self, settings: SipSettings, clock: Clock) -> None:
        self.settings = settings
        self.late_ticks = 0
        self.ticks = 0
        self._clock = clock
        self._udp = Datagrams(self._hear)
        self._tcp = Streams(self._receive)
        self._tls = Streams(self._receive, "tls")
        self._tls_port = 0
        self._ports = AudioPorts(settings.host, settings.ports)
        self._legs: set[SipLeg] = set()
        self._wake = anyio.Event()
        self._take: TakeCall | None = None
        self._welcomes = 0
        self._tasks: TaskGroup | None = None
        self._told = 0
        self._agent: UserAgent | None = None
        self._refer: Callable[[SipLeg, Referral], bool] = lambda _, __: False

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SipSettings, clock: Clock) -> AsyncIterator[Self]:
        """An endpoint for as long as the context lasts. Calls are taken while `accept` lasts.

        Raises:
            SipPortError: its port is taken.
            SipTlsError: its certificate cannot be read.
        """
        endpoint = cls(settings, clock)
        tls = settings.tls
        server = await run_sync(server_context, tls)
        caller = await run_sync(caller_context, tls)
        async with AsyncExitStack() as stack:
            port = await endpoint._listen(stack)
            endpoint._tls_port = tls_port = await stack.enter_async_context(
                endpoint._tls.open(
                    settings.host,
                    tls.port,
                    server=server,
                    caller=caller,
                    listens=server is not None,
                    admits=endpoint._admits,
                )
            )
            tasks = await stack.enter_async_context(anyio.create_task_group())
            local = LocalAddress(own_address(settings.advertised or settings.host), port, tls_port or port)
            endpoint._agent = UserAgent(settings, local, endpoint._send, endpoint._invited)
            endpoint._agent.is_draining = True
            endpoint._tasks = tasks
            referrals = Referrals(endpoint._agent, clock, endpoint.reach, tasks, endpoint._stir)
            endpoint._refer = referrals.take
            tasks.start_soon(endpoint._tick, name="sip ticks")
            tasks.start_soon(endpoint._tell, name="sip refusals")
            try:
                yield endpoint
            finally:
                with anyio.move_on_after(FAREWELL_S, shield=True):
                    await endpoint._part()
                tasks.cancel_scope.cancel()

    async def _listen(self, stack: AsyncExitStack) -> int:
        """Listen on one port over UDP and TCP; where any will do, on the first that is free for both.

        Raises:
            SipPortError: it is taken.
        """
        host, port = self.settings.host, self.settings.port
        stack.callback(self._udp.close)
        tries_left = ANY_PORT_TRIES if port == 0 else 1
        while True:
            await self._udp.open(host, port)
            try:
                return await stack.enter_async_context(self._tcp.open(host, self._udp.port, admits=self._admits))
            except SipPortError:
                tries_left -= 1
                if not tries_left:
                    raise
                self._udp.close()

    @property
    def agent(self) -> UserAgent:
        """The signalling."""
        if self._agent is None:
            raise SipError("The endpoint was expected to be open.")
        return self._agent

    @property
    def port(self) -> int:
        """Where it listens, UDP and TCP."""
        return self._udp.port

    @property
    def tls_port(self) -> int:
        """Where it listens for TLS; 0: nowhere."""
        return self._tls_port

    @property
    def legs(self) -> int:
        """How many there are."""
        return len(self._legs)

    @contextmanager
    def accept(self, take: TakeCall) -> Iterator[None]:
        """Take calls as long as the context lasts; before and after, callers are told to try later."""
        self._take, self.agent.is_draining = take, False
        try:
            yield
        finally:
            self._take, self.agent.is_draining = None, True

    async def call(
        self,
        uri: str,
        *,
        credentials: Credentials | None = None,
        caller: str | None = None,
        party: Party = Party.AGENT,
        ring_s: float | None = None,
        codecs: Sequence[Codec] = DEFAULT_CODECS,
        hear_early: Callable[[Pcm], None] = lambda _: None,
    ) -> SipLeg:
        """Call somebody; returns once they have answered.

        Args:
            uri: `sip:user@host:port`, with `;transport=tcp` or `tls` where it shall be that.
            credentials: where a password is asked for.
            caller: who calls, as an address; None for us.
            party: who answers.
            ring_s: how long it may ring.
            codecs: that may be spoken, in our order.
            hear_early: told what is heard before the answer, see `SipLeg`.

        Raises:
            SipCallError: refused, or not answered in time; `status` says which.
            SipError: no address, nobody there, or no port for audio.
        """
        target = read_address(uri).uri
        flow = await self.reach(target)
        ours = read_address(caller).uri if caller else None
        # Who is called over TLS is spoken to in secret: keys in the description are not for others' eyes.
        terms = CallTerms(codecs, self.settings.least_session_s, is_secure=flow.transport == "tls")
        ring_s = ring_s or self.settings.ring_s
        audio = await self._ports.open()
        outgoing = OutgoingCall(
            self.agent, target, flow, terms, port=audio.port, caller=ours, credentials=credentials, ring_s=ring_s
        )
        leg = self._leg(outgoing.call, party, audio)
        leg.hear_early = hear_early
        try:
            outgoing.begin(self._clock.now_s())
            self._wake.set()
            await leg.answered.wait()
        except BaseException:
            outgoing.give_up(self._clock.now_s())
            leg.close()
            raise
        if leg.end is not None:
            leg.close()
            status = outgoing.call.status
            raise SipCallError(
                f"The call was expected to be answered; it ended with {leg.end} (status {status or 'none'}).",
                status=status,
            )
        return leg

    async def register(self, registrar: Registrar) -> Registration:
        """Register somewhere, and stay registered.

        Raises:
            SipError: no such host.
        """
        registration = Registration(
            self.agent,
            registrar,
            await self.reach(
                Uri("sip", None, registrar.server, registrar.port, params={"transport": registrar.transport})
            ),
        )
        registration.begin(self._clock.now_s())
        self._wake.set()
        return registration

    async def ask(self, uri: str) -> Response | None:
        """Send OPTIONS; answers what came, None where nothing did in 32 s.

        Raises:
            SipError: no address, or nobody there.
        """
        target = read_address(uri).uri
        flow = await self.reach(target)
        question = Question(self.agent, target, flow)
        question.ask(self._clock.now_s())
        self._wake.set()
        return await question.answer()

    async def reach(self, target: Uri) -> Flow:
        """Where a request to an address goes.

        Raises:
            SipPortError: no such host, or nobody answers there.
        """
        transport = (target.params.get("transport") or "").lower()
        is_tls = transport == "tls" or target.scheme == "sips"
        host, port = target.host.strip("[]"), target.port or (5061 if is_tls else 5060)
        try:
            found = await anyio.getaddrinfo(host, port, proto=17)
        except OSError as error:
            raise SipPortError(f"The host {host} is not known.", fix="Check its name, or use its address.") from error
        address = (str(found[0][4][0]), port)
        if is_tls:
            return await self._tls.connect(*address, host)
        if transport == "tcp":
            return await self._tcp.connect(*address)
        return Flow("udp", address)

    def _stir(self) -> None:
        self._wake.set()

    def _leg(self, call: SipCall, party: Party, audio: AudioSockets) -> SipLeg:
        leg = SipLeg(call, party, self._clock, silence_s=self.settings.silence_s, closed=self._legs.discard)
        leg.attach(audio)
        leg.refer = self._refer
        self._legs.add(leg)
        return leg

    def _invited(self, incoming: Incoming, now_s: float) -> None:
        if incoming.replaced is not None:
            if (leg := next((one for one in self._legs if one.call is incoming.replaced), None)) is not None:
                leg.succeed(incoming.call)
            else:  # it is over for its leg already
                incoming.call.refuse(481, now_s)
            return
        if self._take is None or self._tasks is None or self._welcomes >= MAX_WELCOMES:
            self.agent.gate.count(Refusal.FULL)
            incoming.call.refuse(503, now_s, retry_s=RETRY_S)
            return
        self._welcomes += 1
        self._tasks.start_soon(self._welcome, incoming, self._take, name="sip call coming in")

    async def _welcome(self, incoming: Incoming, take: TakeCall) -> None:
        """See a call that comes in through to its answer. The boundary of a call: whatever breaks, breaks this one."""
        call = incoming.call
        leg: SipLeg | None = None
        why, taken = Refusal.PORTS, False
        try:
            audio = await self._ports.open()
            leg = self._leg(call, Party.CALLER, audio)
            leg.trunk = incoming.admitted.trunk
            is_early = leg.trunk.early_media and call.begin_early(self._clock.now_s())
            if not is_early:
                call.ring(self._clock.now_s())
            self._wake.set()
            why = Refusal.FULL
            await take(leg, line_of(incoming))
            taken = True
            call.answer(self._clock.now_s())
        except WarmlineError as error:
            self.agent.gate.count(why)
            _log.warning("a SIP call was refused (%s)", error.code)
        except Exception as error:
            _log.error("a SIP call was refused (%s)", type(error).__name__)
        finally:
            self._welcomes -= 1
            if not taken:
                call.refuse(503, self._clock.now_s(), retry_s=RETRY_S)
                if leg is not None:
                    leg.close()
            self._wake.set()

    def _hear(self, data: bytes, source: Address) -> None:
        self._receive(data, Flow("udp", source))

    def _receive(self, data: bytes, flow: Flow) -> None:
        try:
            self.agent.receive(data, flow, self._clock.now_s())
        except Exception as error:  # the boundary of a message: whatever it breaks, others are still read
            _log.error("a SIP message broke its handling (%s)", type(error).__name__)
        self._wake.set()

    def _admits(self, host: str) -> bool:
        # Who comes before there is a gate is told so by its first message.
        return self._agent is None or self._agent.gate.admits_connection(host, self._clock.now_s())

    def _send(self, data: bytes, flow: Flow) -> None:
        match flow.transport:
            case "udp":
                self._udp.send(data, flow.peer)
            case "tcp":
                self._tcp.send(data, flow.peer)
            case "tls":
                self._tls.send(data, flow.peer)

    async def _tick(self) -> None:
        """Turn timers and legs; sleeps where there is nothing to do."""
        moment_s = self._clock.now_s()
        while True:
            if not self._legs and not len(self.agent.timers):
                self._wake = anyio.Event()
                await self._wake.wait()
                moment_s = self._clock.now_s()
            await self._clock.sleep_until(moment_s)
            now_s = self._clock.now_s()
            self.ticks += 1
            self.late_ticks += now_s - moment_s > 2 * TICK_S
            self._run(self.agent.timers.run, now_s)
            for leg in list(self._legs):
                if not self._run(leg.tick, now_s):
                    leg.hang_up(CallEnd.GONE)
            moment_s = max(moment_s + TICK_S, self._clock.now_s())

    def _run(self, turn: Callable[[float], None], now_s: float) -> bool:
        try:
            turn(now_s)
        except Exception as error:  # the boundary of a leg: whatever breaks here harms no other
            _log.error("a SIP leg broke (%s)", type(error).__name__)
            return False
        return True

    async def _tell(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now_s() + TELL_EVERY_S)
            refusals = self.agent.gate.refusals
            if refusals.total() != self._told:
                self._told = refusals.total()
                _log.warning("SIP requests refused so far: %s", ", ".join(f"{w} {n}" for w, n in refusals.items()))

    async def _part(self) -> None:
        """Hang up whatever is left, and wait until that has been heard."""
        for leg in list(self._legs):
            leg.close()
        for call in list(self.agent.calls.values()):
            call.hang_up(self._clock.now_s())
        while self.agent.transactions.is_waiting:
            await self._clock.sleep_until(self._clock.now_s() + TICK_S)
