"""What every call of a process joins: recognition, tone, meaning, policy and advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from operator import attrgetter

import anyio

from asr.ports import Recognition
from asr.types import Language
from prosody.ports import ToneModel
from routing.agent_tone import AgentTonePermission
from routing.coaching import DEFAULT_COACHING, CoachSettings
from routing.policy.facts import Situation
from routing.policy.rules import Policy
from routing.understanding.turn import Understander
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import WarmlineError
from voice.contracts.ports import AudioSource, CallLeg
from voice.turns.judge import Judge
from voice.vad.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a call joins; shared by all calls of a process.

    Attributes:
        new_segmenter: makes a party's segmenter, with a detector of its own.
        worker: recognition.
        understander: the meaning of a turn.
        policy: the policy in force.
        threads: bounds the threads for tone and understanding.
        tone_model: judges utterances by their sound besides the rules; None for rules alone.
        carry_over: whether a call begins with how the same caller sounded before, and keeps it for the next.
        agent_tone: the permission to measure agents' tone; None, as it is by default, leaves agents alone.
        coaching: when a hint to the agent is due.
        judge_turn: what judges pauses in a language, for segmenters with `TurnSettings`; None where they ask nothing.
        zone: where the business is; dates, hours and weekdays are those of its clocks.
        situation: what the desk says of itself and of a call at a moment; nothing where there is no desk.
        refusal: why no more calls can be joined now; answers None where one more can.
        listen: what is heard from a leg; its own source unless given.
    """

    new_segmenter: Callable[[Party], Segmenter]
    worker: Recognition
    understander: Understander
    policy: Callable[[], Policy]
    threads: anyio.CapacityLimiter
    tone_model: ToneModel | None = None
    carry_over: bool = True
    agent_tone: AgentTonePermission | None = None
    coaching: CoachSettings = DEFAULT_COACHING
    judge_turn: Callable[[Language], Judge] | None = None
    zone: tzinfo = UTC
    situation: Callable[[CallId], Situation] = lambda _: Situation()
    refusal: Callable[[], WarmlineError | None] = lambda: None
    listen: Callable[[CallLeg], AudioSource] = attrgetter("source")
