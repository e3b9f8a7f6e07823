"""Two user agents and the network between them, by hand: nothing waits, what is lost is chosen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.voice.sip.line import LOOPBACK
from voice.sip.agent import Incoming, UserAgent
from voice.sip.call_terms import CallTerms
from voice.sip.dialog import LocalAddress
from voice.sip.digest import Credentials
from voice.sip.messages import read_address
from voice.sip.outgoing import OutgoingCall
from voice.sip.transactions import Flow
from voice.sip.trunks import DEFAULT_CODECS, SipSettings, Trunk

CALLER, CALLED = ("127.0.0.1", 5070), ("127.0.0.1", 5060)


@dataclass
class Wire:
    """`theirs` calls `ours`.

    Attributes:
        trunks: who may call.
        now_s: the moment.
        lose: says which messages are lost.
        invited: calls that came.
        sent: first lines of what was sent by each side, in order.
    """

    trunks: tuple[Trunk, ...] = (LOOPBACK,)
    now_s: float = 100.0
    lose: Callable[[str], bool] = lambda _: False
    settings: SipSettings | None = None
    invited: list[Incoming] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _way: deque[tuple[UserAgent, bytes, Flow]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        settings = self.settings or SipSettings("127.0.0.1", 5060, trunks=self.trunks)
        self.ours = UserAgent(settings, LocalAddress(*CALLED), self._from_us, self._invited)
        self.theirs = UserAgent(
            SipSettings("127.0.0.1", 5070), LocalAddress(*CALLER), self._from_them, lambda _, __: None
        )

    def _invited(self, incoming: Incoming, now_s: float) -> None:
        self.invited.append(incoming)

    def _from_us(self, data: bytes, flow: Flow) -> None:
        self.raw.append(data)
        self._put("us", self.theirs, data, Flow("udp", CALLED))

    def _from_them(self, data: bytes, flow: Flow) -> None:
        self._put("them", self.ours, data, Flow("udp", CALLER))

    def _put(self, who: str, to: UserAgent, data: bytes, source: Flow) -> None:
        first = data.split(b"\r\n", 1)[0].decode()
        said = first.split()[0] if not first.startswith("SIP") else first.split(" ", 1)[1]
        self.sent.append((who, said))
        if not self.lose(said):
            self._way.append((to, data, source))

    def deliver(self) -> None:
        """Let everything that is on its way arrive."""
        while self._way:
            to, data, source = self._way.popleft()
            to.receive(data, source, self.now_s)

    def pass_time(self, seconds: float, step_s: float = 0.1) -> None:
        """Let time pass."""
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            self.ours.timers.run(self.now_s)
            self.theirs.timers.run(self.now_s)
            self.deliver()

    def count(self, who: str, said: str) -> int:
        """How often a side said something."""
        return self.sent.count((who, said))

    def call(self, credentials: Credentials | None = None, **settings: float) -> OutgoingCall:
        """Begin a call; what it brings about has been delivered."""
        outgoing = OutgoingCall(
            self.theirs,
            read_address("sip:4001@127.0.0.1:5060").uri,
            Flow("udp", CALLED),
            CallTerms(DEFAULT_CODECS),
            port=4000,
            credentials=credentials,
        )
        outgoing.begin(self.now_s)
        self.deliver()
        return outgoing

    def talk(self) -> tuple[OutgoingCall, Incoming]:
        """A call that was answered."""
        outgoing = self.call()
        incoming = self.invited[-1]
        incoming.call.origin.port = 5000
        incoming.call.ring(self.now_s)
        incoming.call.answer(self.now_s)
        self.deliver()
        return outgoing, incoming

    def say(self, text: str | bytes, peer: tuple[str, int] = CALLER) -> bytes:
        """Give us a message as it is written; answers what we sent."""
        before = len(self.raw)
        self.ours.receive(text.encode() if isinstance(text, str) else text, Flow("udp", peer), self.now_s)
        return b"".join(self.raw[before:])
