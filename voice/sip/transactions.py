"""SIP transactions (RFC 3261, 17; RFC 6026): what is lost is sent again, what comes twice is taken once. Pure.

aiosipua has transactions, too, but they take a repeated INVITE for another call, answer a repeated BYE with 481 and
repeat no request of their own; so this is written anew, on its messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from voice.sip.messages import Request, Response, cseq_of, make_request, method_of, via_of
from voice.sip.timers import Timer, Timers

T1_S: Final = 0.5
"""A round trip, at first (RFC 3261, 17.1.1.1)."""

T2_S: Final = 4.0
"""The longest wait between two repetitions."""

T4_S: Final = 5.0
"""How long a message stays in the network."""

GIVE_UP_S: Final = 64 * T1_S
"""When a request or a final response that nobody reacts to is given up: timers B, F and H."""

PROCEEDING_S: Final = 600.0
"""When an INVITE of ours that rings and is never answered, not even the CANCEL behind it, is forgotten."""

MAX_TRANSACTIONS: Final = 20_000
"""Requests remembered against repetition: 600 a second for 32 s. More are dropped; who sent them sends them again."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from, and where what belongs to it goes.

    Attributes:
        transport: udp, tcp or tls.
        peer: address and port of the other side.
    """

    transport: Literal["udp", "tcp", "tls"]
    peer: tuple[str, int]

    @property
    def is_reliable(self) -> bool:
        """Whether the transport itself repeats what is lost."""
        return self.transport != "udp"


Send: TypeAlias = Callable[[bytes, Flow], None]
Key: TypeAlias = tuple[str, str, int | None, str]


class ServerTransaction:
    """A request that came, and our response."""

    def __init__(self, layer: Transactions, key: Key, request: Request, flow: Flow) -> None:
        self.request = request
        self.flow = flow
        self.status = 0
        self._layer = layer
        self._key = key
        self._sent = b""
        self._wait_s = T1_S
        self._repeat: Timer | None = None
        self._unacknowledged: Callable[[float], None] = lambda _: None

    @property
    def is_answered(self) -> bool:
        """Whether a final response was sent."""
        return self.status >= 200

    def respond(
        self, response: Response, now_s: float, *, unacknowledged: Callable[[float], None] | None = None
    ) -> None:
        """Send a response; a second final one is left out.

        Args:
            response: made from the request.
            now_s: the moment.
            unacknowledged: called where a 2xx to an INVITE finds no ACK in 32 s.
        """
        if self.is_answered:
            return
        self.status = response.status_code
        self._sent = bytes(response)
        self._layer.send(self._sent, self.flow)
        if self.status < 200:
            return
        timers, is_invite = self._layer.timers, self.request.method == "INVITE"
        if is_invite and (self.status < 300 or not self.flow.is_reliable):
            # A 2xx is repeated over TCP as well: the way behind the next proxy may be another (RFC 3261, 13.3.1.4).
            self._unacknowledged = unacknowledged or self._unacknowledged
            self._repeat = timers.at(now_s + T1_S, self._again)
        timers.at(now_s + GIVE_UP_S, self._over)

    def acknowledge(self) -> None:
        """The ACK is here: nothing is sent again."""
        if self._repeat is not None:
            self._repeat.cancel()
        self._unacknowledged = lambda _: None

    def repeat(self) -> None:
        """The request came again: so does what was answered last."""
        if self._sent:
            self._layer.send(self._sent, self.flow)

    def _again(self, now_s: float) -> None:
        self._layer.send(self._sent, self.flow)
        self._wait_s = min(2 * self._wait_s, T2_S)
        self._repeat = self._layer.timers.at(now_s + self._wait_s, self._again)

    def _over(self, now_s: float) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
        self._layer.forget(self._key)
        self._unacknowledged(now_s)


Answered: TypeAlias = Callable[[Response | None, float], None]
"""Told each response to a request of ours but repetitions, and None where none came in time."""


class ClientTransaction:
    """A request of ours, and what is answered."""

    def __init__(self, layer: Transactions, key: Key, request: Request, flow: Flow, answered: Answered) -> None:
        self.request = request
        self.flow = flow
        self.status = 0
        self._layer = layer
        self._key = key
        self._answered = answered
        self._wait_s = T1_S
        self._acknowledgement = b""
        self._repeat: Timer | None = None
        self._limit: Timer | None = None

    def begin(self, now_s: float) -> None:
        """Send it, and again until somebody answers."""
        self._layer.send(bytes(self.request), self.flow)
        if not self.flow.is_reliable:
            self._repeat = self._layer.timers.at(now_s + T1_S, self._again)
        self._limit = self._layer.timers.at(now_s + GIVE_UP_S, self._too_late)

    def receive(self, response: Response, now_s: float) -> None:
        """A response came."""
        status = response.status_code
        is_invite = self.request.method == "INVITE"
        if self.status >= 200:
            if self._acknowledgement:
                self._layer.send(self._acknowledgement, self.flow)
            elif is_invite and status < 300:
                self._answered(response, now_s)  # repeated because our ACK was lost
            return
        self.status = status
        if is_invite or status >= 200:
            self._stop()
        if is_invite and status < 200:
            self._limit = self._layer.timers.at(now_s + PROCEEDING_S, self._too_late)
        if status >= 200:
            if is_invite and status >= 300:
                self._acknowledgement = bytes(_refusal_acknowledged(self.request, response))
                self._layer.send(self._acknowledgement, self.flow)
            self._layer.timers.at(now_s + (GIVE_UP_S if is_invite else T4_S), lambda _: self._layer.drop(self._key))
        self._answered(response, now_s)

    def _stop(self) -> None:
        for timer in (self._repeat, self._limit):
            if timer is not None:
                timer.cancel()

    def _again(self, now_s: float) -> None:
        self._layer.send(bytes(self.request), self.flow)
        self._wait_s *= 2
        if self.request.method != "INVITE":
            self._wait_s = min(self._wait_s, T2_S)
        self._repeat = self._layer.timers.at(now_s + self._wait_s, self._again)

    def _too_late(self, now_s: float) -> None:
        self._stop()
        self._layer.drop(self._key)
        if self.status < 200:
            self.status = 408
            self._answered(None, now_s)


class Transactions:
    """All transactions of a user agent.

    Args:
        send: puts a message on its way.
        timers: runs what is due.
    """

    def __init__(self, send: Send, timers: Timers) -> None:
        self.send = send
        self.timers = timers
        self.dropped = 0
        self._servers: dict[Key, ServerTransaction] = {}
        self._clients: dict[Key, ClientTransaction] = {}

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def receive_request(self, request: Request, flow: Flow) -> ServerTransaction | None:
        """The transaction of a request that has not come before; None where there is nothing to do.

        An ACK to a refusal ends there, an ACK to a 2xx comes with a transaction that answers nothing.
        """
        key = _server_key(request)
        known = self._servers.get(key)
        if known is not None and request.method != "ACK":
            known.repeat()
            return None
        if request.method == "ACK":
            if known is not None:
                known.acknowledge()
                if known.status >= 300:
                    return None
            return ServerTransaction(self, key, request, flow)
        if len(self._servers) >= MAX_TRANSACTIONS:
            self.dropped += 1
            return None
        transaction = self._servers[key] = ServerTransaction(self, key, request, flow)
        return transaction

    @property
    def is_waiting(self) -> bool:
        """Whether a request of ours has no final response yet."""
        return any(client.status < 200 for client in self._clients.values())

    def knows(self, request: Request) -> bool:
        """Whether a request has come before."""
        return _server_key(request) in self._servers

    def find_invite(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that a CANCEL means (RFC 3261, 9.2)."""
        branch, host, port, _ = _server_key(cancel)
        return self._servers.get((branch, host, port, "INVITE"))

    def request(self, request: Request, flow: Flow, answered: Answered, now_s: float) -> ClientTransaction:
        """Send a request."""
        key = (via_of(request).branch or "", "", 0, request.method)
        transaction = self._clients[key] = ClientTransaction(self, key, request, flow, answered)
        transaction.begin(now_s)
        return transaction

    def receive_response(self, response: Response, now_s: float) -> bool:
        """Take a response; answers whether it belongs to a request of ours."""
        transaction = self._clients.get((via_of(response).branch or "", "", 0, method_of(response)))
        if transaction is None:
            return False
        transaction.receive(response, now_s)
        return True

    def forget(self, key: Key) -> None:
        """A request that came may come again: nobody remembers it."""
        self._servers.pop(key, None)

    def drop(self, key: Key) -> None:
        """A request of ours is over."""
        self._clients.pop(key, None)


def _server_key(request: Request) -> Key:
    via = via_of(request)
    method = "INVITE" if request.method == "ACK" else request.method
    return via.branch or "", via.host, via.port, method


def _refusal_acknowledged(invite: Request, response: Response) -> Request:
    """The ACK to a refusal (RFC 3261, 17.1.1.3)."""
    headers = [("Via", invite.headers.get("via")[0])]
    headers += [("Route", route) for route in invite.headers.get("route")]
    headers += [
        ("From", invite.headers.get("from")[0]),
        ("To", response.headers.get("to")[0]),
        ("Call-ID", invite.call_id or ""),
        ("CSeq", f"{cseq_of(invite).seq} ACK"),
        ("Max-Forwards", "70"),
    ]
    return make_request("ACK", invite.uri, headers)
