"""A day at the desk on a virtual clock: the real desk, simulated callers and agents, no audio."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from routing.desk.commands import (
    AcceptOffer,
    ConfirmBridge,
    DeclineOffer,
    DeskCommand,
    EnterQueue,
    FinishCall,
    LeaveQueue,
    PutAgent,
    SetPresence,
)
from routing.desk.config import DeskConfig
from routing.desk.desk import Answer, Desk
from routing.desk.events import (
    ContactBridged,
    ContactLeft,
    Logged,
    OfferAccepted,
    OfferMade,
    PresenceChanged,
)
from routing.desk.notices import Notice, NoticeKind
from routing.desk.scenario import Caller, Scenario, draw_callers
from routing.desk.terms import AgentId, AgentProfile, ContactState, Departure, OfferId, Presence
from routing.desk.witness import Witness
from voice.contracts.audio import CallId

RESTS_S = 300.0
"""How long a simulated agent who did not answer stays away."""


class _Act(Enum):
    ARRIVE = auto()
    GIVE_UP = auto()
    ANSWER = auto()
    FINISH = auto()
    RETURN = auto()


@dataclass(slots=True)
class Served:
    """What became of one caller; times in seconds since the beginning.

    Attributes:
        promised_s: the wait they were told on entering; None where they did not have to wait.
    """

    caller: Caller
    promised_s: float | None = None
    accepted_at: float | None = None
    left_at: float | None = None
    departure: Departure | None = None

    @property
    def wait_s(self) -> float:
        """From coming to being accepted or giving up."""
        ended = self.accepted_at if self.accepted_at is not None else self.left_at
        return (self.caller.at_s if ended is None else ended) - self.caller.at_s


@dataclass(frozen=True, slots=True)
class Day:
    """One simulated day.

    Attributes:
        served: everybody who came, in order.
        busy_s: seconds that agents were busy while callers came, after-call work included.
        commands: commands that the desk carried out.
    """

    scenario: Scenario
    served: tuple[Served, ...]
    busy_s: float
    commands: int

    def counted(self) -> list[Served]:
        """Who came after the warm-up."""
        since = self.scenario.warm_up * self.scenario.hours * 3600
        return [one for one in self.served if one.caller.at_s >= since]


class Simulation:
    """Drives a desk through a day.

    Args:
        config: the desk's set-up; leases are left out, since simulated agents have no consoles.
        scenario: the day.
        seed: of callers and agents.
        witness: checks every decision, if given.
    """

    def __init__(self, config: DeskConfig, scenario: Scenario, seed: int, witness: Witness | None = None) -> None:
        self._config = config
        self._scenario = scenario
        self._desk = Desk(config)
        self._witness = witness
        self._chance = np.random.default_rng([seed, 9])
        self._served: dict[CallId, Served] = {}
        self._acts: list[tuple[float, int, _Act, str]] = []
        self._callers = draw_callers(scenario, seed)
        self._coming: Caller | None = None
        self._noted = 0
        self._commands = 0
        self._busy: dict[AgentId, tuple[float, int]] = {}
        self._busy_s = 0.0

    def run(self) -> Day:
        """Live the day to its end, when nobody is at the desk any more."""
        self._take(self._desk.adopt(self._config, 0.0))
        everybody = [crew for crew in self._scenario.crews for _ in range(crew.count)]
        for number, crew in enumerate(everybody):
            agent = AgentId(f"a{number}")
            self._ask(PutAgent("", agent, AgentProfile("", crew.skills, crew.languages, crew.capacity)), 0.0)
            self._ask(SetPresence("", agent, Presence.READY), 0.0)
        self._next_caller()
        while self._acts:
            due, at = self._desk.next_due, self._acts[0][0]
            if due is not None and due < at:
                self._take(self._desk.advance(due))
            else:
                _, _, act, whom = heapq.heappop(self._acts)
                self._do(act, whom, at)
        return Day(self._scenario, tuple(self._served.values()), self._busy_s, self._commands)

    def _do(self, act: _Act, whom: str, now: float) -> None:
        call = CallId(whom)
        match act:
            case _Act.ARRIVE:
                if self._coming is not None:
                    self._arrive(self._coming)
            case _Act.GIVE_UP:
                contact = self._desk.ledger.contacts.get(call)
                if contact is not None and contact.state in (ContactState.WAITING, ContactState.OFFERED):
                    self._ask(LeaveQueue("", call), now)
            case _Act.ANSWER:
                self._answer(OfferId(whom), now)
            case _Act.FINISH:
                contact = self._desk.ledger.contacts[call]
                if contact.agent is not None:
                    self._ask(FinishCall("", call, contact.agent), now)
            case _Act.RETURN:
                self._ask(SetPresence("", AgentId(whom), Presence.READY), now)

    def _arrive(self, caller: Caller) -> None:
        call, kind = CallId(f"c{caller.number}"), caller.kind
        self._served[call] = Served(caller)
        self._next_caller()
        self._ask(
            EnterQueue("", call, f"{call}.h1", kind.language, kind.queue, kind.priority, kind.skills), caller.at_s
        )
        if caller.patience_s is not None:
            self._note(caller.at_s + caller.patience_s, _Act.GIVE_UP, call)

    def _next_caller(self) -> None:
        self._coming = next(self._callers, None)
        if self._coming is not None:
            self._note(self._coming.at_s, _Act.ARRIVE, "")

    def _answer(self, offer: OfferId, now: float) -> None:
        call = self._desk.ledger.offers.get(offer)
        held = self._desk.ledger.contacts[call].offer if call is not None else None
        if held is None:
            return
        declines = self._scenario.declined > 0 and self._chance.random() < self._scenario.declined
        self._ask(DeclineOffer("", offer, held.agent) if declines else AcceptOffer("", offer, held.agent, ""), now)

    def _ask(self, command: DeskCommand, now: float) -> None:
        self._commands += 1
        answer = self._desk.execute(command, now)
        if answer.refusal is not None:
            raise RuntimeError(f"A simulated day asks nothing that is refused; got {answer.refusal.code}.")
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        if self._witness is not None:
            self._witness.watch(answer.logged)
        self._hear(answer.notices)
        for logged in answer.logged:
            self._follow(logged)

    def _hear(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            served = self._served[notice.call]
            if notice.kind is NoticeKind.POSITION and served.promised_s is None:
                served.promised_s = notice.wait_s

    def _follow(self, logged: Logged) -> None:
        at = logged.at
        match logged.event:
            case OfferMade(offer=offer):
                unanswered = self._scenario.unanswered
                if unanswered == 0 or self._chance.random() >= unanswered:
                    self._note(at + self._scenario.answer_s, _Act.ANSWER, offer)
            case OfferAccepted(call=call, agent=agent):
                self._served[call].accepted_at = at
                self._engage(agent, at, 1)
                self._ask(ConfirmBridge("", call, agent), at)
            case ContactBridged(call=call):
                self._note(at + self._served[call].caller.handle_s, _Act.FINISH, call)
            case ContactLeft(call=call, departure=departure, agent=agent):
                self._served[call].left_at, self._served[call].departure = at, departure
                if agent is not None and departure is Departure.SERVED:
                    self._engage(agent, at, -1)
            case PresenceChanged(agent=agent, presence=presence, cause=cause):
                if presence is Presence.AFTER_CALL:
                    self._engage(agent, at, 1)
                elif cause == "wrap_up_over":
                    self._engage(agent, at, -1)
                elif presence is Presence.BREAK:
                    self._note(at + RESTS_S, _Act.RETURN, agent)
            case _:
                pass

    def _engage(self, agent: AgentId, at: float, change: int) -> None:
        """Count busy time between warm-up and the last arrival."""
        since, load = self._busy.get(agent, (at, 0))
        begin, end = self._scenario.warm_up * self._scenario.hours * 3600, self._scenario.hours * 3600
        self._busy_s += load * max(0.0, min(at, end) - max(since, begin))
        self._busy[agent] = (at, load + change)

    def _note(self, at: float, act: _Act, whom: str) -> None:
        heapq.heappush(self._acts, (at, self._noted, act, whom))
        self._noted += 1
