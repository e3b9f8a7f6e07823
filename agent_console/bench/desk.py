"""What a decision costs: the policy's over a call's facts, and the desk's with 1000 agents and 5000 waiting callers."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np

from agent_console.bench.desk_events import RandomDay
from agent_console.bench.figures import Figure, Target, percentile_of
from asr.types import Language
from prosody.types import EmotionLevel
from routing.desk.commands import (
    AcceptOffer,
    ConfirmBridge,
    DeclineOffer,
    DeskCommand,
    EnterQueue,
    FinishCall,
    LeaveQueue,
    PutAgent,
    Reprioritize,
    SetPresence,
)
from routing.desk.config import DeskConfig
from routing.desk.desk import Answer, Desk
from routing.desk.events import OfferMade
from routing.desk.file import read_desk
from routing.desk.terms import AgentId, AgentProfile, OfferId, Presence, QueueId, SkillLevel, Skills
from routing.policy.facts import Facts
from routing.policy.file import load_policy
from routing.policy.rules import decide
from routing.terms import Grade
from voice.contracts.audio import CallId

AGENTS: Final = 1_000
WAITING: Final = 5_000
BUDGET: Final = Target("<=", 10.0)

SKILLS: Final = tuple(f"skill{number}" for number in range(12))
QUEUES: Final = tuple(f"queue{number}" for number in range(5))

_DESK: Final = "\n".join(
    [
        "version: bench",
        "title: {zh: 测试, en: Benchmark}",
        "default_queue: queue0",
        "lease_s: 0",
        "skills:",
        *(f"  {name}: {{zh: 技能, en: Skill}}" for name in SKILLS),
        "queues:",
        *(
            f"  {name}: {{title: {{zh: 队列, en: Queue}}, ageing: {2 + number}, wrap_up_s: 0, strategy: "
            f"{'best_skill' if number % 2 else 'longest_idle'}, skills: {{{SKILLS[number]}: 3}}}}"
            for number, name in enumerate(QUEUES)
        ),
    ]
)


class Spans:
    """How long something took, each time: by the wall, which holds what else the machine does, and on the processor."""

    def __init__(self) -> None:
        self.wall_ms: list[float] = []
        self.cpu_ms: list[float] = []

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Time what is done within."""
        wall, cpu = time.perf_counter(), time.thread_time()
        yield
        self.cpu_ms.append((time.thread_time() - cpu) * 1e3)
        self.wall_ms.append((time.perf_counter() - wall) * 1e3)

    def figures(self, name: str) -> list[Figure]:
        """p50, p95 and p99 by the wall, and p99 on the processor."""
        return [
            percentile_of(f"{name}_p50_ms", self.wall_ms, 50, "ms"),
            percentile_of(f"{name}_p95_ms", self.wall_ms, 95, "ms"),
            percentile_of(f"{name}_p99_ms", self.wall_ms, 99, "ms", BUDGET),
            percentile_of(f"{name}_cpu_p99_ms", self.cpu_ms, 99, "ms"),
        ]


class CrowdedDesk:
    """A desk at its worst: everybody has another mix of skills, all agents are busy, thousands wait."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = np.random.default_rng(seed)
        self._config: DeskConfig = read_desk(_DESK)
        self._desk = Desk(self._config)
        self._now = 1_000.0
        self._calls = 0
        self._offers: list[tuple[OfferId, AgentId]] = []
        self.commands = Spans()
        self.passing = Spans()

    def fill(self) -> None:
        """Have all agents sign in and so many callers come that all are busy and 5000 wait."""
        self._take(self._desk.adopt(self._config, self._now))
        for number in range(AGENTS):
            agent = AgentId(f"agent{number}")
            languages = (Language.ZH, Language.EN) if self._chance.random() < 0.5 else (Language.ZH,)
            self._ask(PutAgent("", agent, AgentProfile("", self._skills(5, top=9), languages)))
            self._ask(SetPresence("", agent, Presence.READY))
        while self._waiting < WAITING:
            self._come()
            self._answer()

    def run(self, rounds: int) -> None:
        """Do what a busy hour is made of, and time every decision."""
        self.commands, self.passing = Spans(), Spans()
        for _ in range(rounds):
            self._now += 0.05
            with self.passing.timing():
                answer = self._desk.advance(self._now)
            self._take(answer)
            draw = self._chance.random()
            if self._waiting < WAITING or draw < 0.25:
                self._come()
            elif draw < 0.35:
                self._ask(LeaveQueue("", self._anybody()))
            elif draw < 0.5:
                self._ask(Reprioritize("", self._anybody(), int(self._chance.integers(100))))
            else:
                self._finish()
            self._answer()

    @property
    def _waiting(self) -> int:
        return sum(len(line.places) for line in self._desk.ledger.waiting.lines.values())

    def _skills(self, most: int, *, top: int) -> Skills:
        names = self._chance.choice(SKILLS, size=int(self._chance.integers(most + 1)), replace=False)
        return tuple(SkillLevel(str(name), int(self._chance.integers(1, top + 1))) for name in sorted(names))

    def _come(self) -> None:
        self._calls += 1
        call, queue = CallId(f"call{self._calls}"), QueueId(str(self._chance.choice(QUEUES)))
        language = Language.ZH if self._chance.random() < 0.8 else Language.EN
        priority = int(self._chance.integers(100))
        self._ask(EnterQueue("", call, f"{call}.h1", language, queue, priority, self._skills(2, top=6)))

    def _anybody(self) -> CallId:
        lanes = [lane for lane in self._desk.ledger.waiting.lanes.values() if lane.places]
        lane = lanes[int(self._chance.integers(len(lanes)))]
        return lane.places[int(self._chance.integers(len(lane.places)))][2]

    def _finish(self) -> None:
        agent = self._desk.ledger.agents[AgentId(f"agent{int(self._chance.integers(AGENTS))}")]
        if agent.calls:
            self._ask(FinishCall("", agent.calls[0], agent.id))

    def _answer(self) -> None:
        while self._offers:
            offer, agent = self._offers.pop()
            call = self._desk.ledger.offers.get(offer)
            if call is None:
                continue
            if self._chance.random() < 0.05:
                self._ask(DeclineOffer("", offer, agent))
            else:
                self._ask(AcceptOffer("", offer, agent, ""))
                self._ask(ConfirmBridge("", call, agent))

    def _ask(self, command: DeskCommand) -> None:
        with self.commands.timing():
            answer = self._desk.execute(command, self._now)
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        for logged in answer.logged:
            if isinstance(logged.event, OfferMade):
                self._offers.append((logged.event.offer, logged.event.agent))


def measure_desk(*, rounds: int = 4_000, seed: int = 0) -> list[Figure]:
    """Times of the desk's decisions, of commands and of the passing of time, with garbage collection as it comes."""
    crowd = CrowdedDesk(seed)
    crowd.fill()
    gc.collect()
    crowd.run(rounds)
    return [*crowd.commands.figures("desk_1000x5000"), *crowd.passing.figures("desk_1000x5000_time")]


def measure_decision(*, rounds: int = 4_000, seed: int = 0) -> list[Figure]:
    """Times of the policy's decision over changing facts, with the policy that ships."""
    policy, chance = load_policy(), np.random.default_rng(seed)
    grades, levels = tuple(Grade), tuple(EmotionLevel)
    facts = Facts(Language.ZH)
    decision = None
    spans = Spans()
    for _ in range(rounds):
        facts = replace(
            facts,
            turns=facts.turns + 1,
            grade=grades[int(chance.integers(len(grades)))],
            confidence=float(chance.random()),
            negative=float(chance.random()),
            emotion=levels[int(chance.integers(len(levels)))],
            asked_for_human=bool(chance.random() < 0.1),
        )
        with spans.timing():
            decision = decide(policy, facts, decision)
    return spans.figures("decision")


def measure_properties(
    *, events: int = 100_000, seed: int = 0, report: Callable[[int], None] = lambda _: None
) -> list[Figure]:
    """Put a desk through random events with a witness beside it.

    Raises:
        DeskLogError: something did not hold; says what.
    """
    day = RandomDay(seed)
    while day.events < events:
        day.step()
        report(day.events)
    return [Figure("desk_random_events", float(day.events), "events", 1, day.events, day.events, Target(">=", events))]
