"""`warmline bench pipeline`: what a call costs, and how long people wait for what comes of it.

One call is played at real pace through the real server, with the recognition that is in force, recorded and journalled
as any call; a console in a process of its own watches it over the websocket.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time
from typing import Final

import anyio
import orjson
import soundfile
from anyio.to_thread import run_sync
from rich.console import Console as Terminal

from agent_console.app import create_app
from agent_console.auth.accounts import Role
from agent_console.bench.audio import long_call
from agent_console.bench.figures import Figure, Target, median_of, percentile_of
from agent_console.bench.threads import CpuTime, cpu_time
from agent_console.server import serve
from agent_console.settings import Settings
from agent_console.wiring import Opened, open_console
from asr.types import Language
from prosody.features import measure
from prosody.types import EmotionBasis
from routing.call import Call
from routing.events import CallStarted, EmotionScored, SpeechEnded, Stamped, TranscriptFinal
from routing.policy.facts import Facts
from routing.policy.rules import decide
from routing.terms import CallEndReason, Channel, Direction
from voice.audio.framing import Framer
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, CallId, Party, Pcm, SegmentId, from_ms, from_s, to_ms, to_s
from voice.recording import StereoRecorder
from voice.replay import FileSource
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

UTTERANCES: Final = 50
LEAD_IN_S: Final = 10.0
"""Silence before the first utterance: the console's process has signed in by then."""
WINDOW_S: Final = 30.0
"""CPU time is taken in windows of this length; the figure is their median."""


@dataclass(slots=True)
class _Run:
    """What one real-time run brings."""

    events: Sequence[Stamped]
    began_s: float
    arrived_s: dict[int, float]
    windows: list[tuple[float, CpuTime]] = field(default_factory=list)


async def measure_pipeline(settings: Settings, terminal: Terminal, *, utterances: int = UTTERANCES) -> list[Figure]:
    """Run the benchmark; takes as long as the audio, about five minutes for 50 utterances.

    Raises:
        ModelError: recognition cannot be loaded.
        AudioFormatError: the sample calls are not there.
    """
    audio = long_call(utterances, lead_in_s=LEAD_IN_S)
    with tempfile.TemporaryDirectory(prefix="warmline-bench-") as folder:
        data = Path(folder)
        path = data / "call.wav"
        soundfile.write(path, audio, SAMPLE_RATE, subtype="PCM_16")
        own = settings.model_copy(update={"data": data, "port": 0})
        async with open_console(own) as opened:
            terminal.print(f"{opened.recognition}; {audio.size / SAMPLE_RATE:.0f} s of audio at real pace …")
            run = await _run(opened, path, data, own)
            stages = await run_sync(_stage_costs, opened, audio)
    return [*_cpu_figures(run, stages), *_latency_figures(run)]


async def _run(opened: Opened, path: Path, data: Path, settings: Settings) -> _Run:
    password = secrets.token_urlsafe(16)
    await run_sync(opened.accounts.add, "bench", password, Role.AGENT)
    call_id = CallId("c-bench")
    clock = WallClock()
    source = FileSource(path, pace=clock)
    recorder = StereoRecorder(data / "recording.wav")
    await run_sync(recorder.open)
    started_at = clock.utc_now().isoformat(timespec="milliseconds")
    started = CallStarted(Direction.INBOUND, Channel.REPLAY, "bench", "bench", Language.ZH, started_at)
    call = Call(call_id, started, opened.rooms, opened.journal, clock, recorder=recorder)
    windows: list[tuple[float, CpuTime]] = []
    arrived: dict[int, float] = {}

    async def take_windows() -> None:
        while True:
            windows.append((clock.now_s(), cpu_time()))
            await clock.sleep_until(clock.now_s() + WINDOW_S)

    async with anyio.create_task_group() as tasks:

        async def probe(url: str) -> None:
            while not await opened.journal.calls():
                await clock.sleep_until(clock.now_s() + 0.05)
            command = [sys.executable, "-m", "agent_console.bench.console_probe", url, "bench", call_id]
            done = await anyio.run_process(command, input=f"{password}\n".encode(), stderr=subprocess.DEVNULL)
            arrived.update({int(seq): at for seq, at in orjson.loads(done.stdout).items()})
            tasks.cancel_scope.cancel()

        def ready(url: str) -> None:
            tasks.start_soon(probe, url)
            tasks.start_soon(play)

        async def play() -> None:
            async with aclosing(source.frames()) as frames, anyio.create_task_group() as sampling:
                sampling.start_soon(take_windows)
                await call.run(frames, [Party.CALLER], lambda: CallEndReason.AUDIO_ENDED)
                windows.append((clock.now_s(), cpu_time()))
                sampling.cancel_scope.cancel()
            await run_sync(recorder.close)

        await serve(create_app(opened.console), settings.host, settings.port, on_ready=ready)
    events = await opened.journal.read(call_id, limit=1_000_000)
    return _Run(events, call.began_s or 0.0, arrived, windows)


@dataclass(frozen=True, slots=True)
class _StageCosts:
    """CPU seconds per second of audio, each stage by itself on one thread."""

    detection: float
    prosody: float
    understanding: float


def _stage_costs(opened: Opened, audio: Pcm) -> _StageCosts:
    seconds = audio.size / SAMPLE_RATE
    before = thread_time()
    segments = list(_segments(opened.rooms.new_segmenter(Party.CALLER), audio))
    detection = thread_time() - before
    before = thread_time()
    for segment in segments:
        measure(segment.pcm)
    prosody = thread_time() - before
    policy, facts = opened.rooms.policy(), Facts(Language.ZH)
    before = thread_time()
    for number in range(len(segments)):
        meaning = opened.rooms.understander.understand("我的快递怎么还没到，你们再不处理我就投诉", Language.ZH)
        facts = facts.hear(SegmentId(number), meaning)
        decide(policy, facts, None)
    understanding = thread_time() - before
    return _StageCosts(detection / seconds, prosody / seconds, understanding / seconds)


def _segments(segmenter: Segmenter, audio: Pcm) -> Iterator[SegmentClosed]:
    framer = Framer(Party.CALLER)
    for frame in [*framer.feed(audio, None), *framer.flush()]:
        yield from (event for event in segmenter.feed(frame) if isinstance(event, SegmentClosed))


def _cpu_figures(run: _Run, stages: _StageCosts) -> list[Figure]:
    steps = [
        (later[0] - earlier[0], later[1] - earlier[1])
        for earlier, later in zip(run.windows, run.windows[1:], strict=False)
    ]
    steps = [(seconds, spent) for seconds, spent in steps if seconds >= WINDOW_S / 2]
    total = [spent.total / seconds for seconds, spent in steps]
    rest = [spent.rest / seconds for seconds, spent in steps]
    asr = [spent.recognition / seconds for seconds, spent in steps]
    alone = [
        Figure(f"{name}_cpu_s_per_audio_s", value, "s/s", 1, value, value)
        for name, value in (
            ("detection", stages.detection),
            ("prosody", stages.prosody),
            ("understanding", stages.understanding),
        )
    ]
    return [
        median_of("cpu_s_per_audio_s", total, "s/s"),
        median_of("non_asr_core_share", rest, "cores", Target("<=", 0.10)),
        median_of("recognition_cpu_s_per_audio_s", asr, "s/s"),
        *alone,
    ]


def _latency_figures(run: _Run) -> list[Figure]:
    hangover = from_ms(SegmenterSettings().hangover_ms)
    closed: dict[SegmentId, Stamped] = {}
    finals: dict[SegmentId, Stamped] = {}
    after_speech, emotion, decision, console = [], [], [], []
    for stamped in run.events:
        match stamped.event:
            case SpeechEnded(segment=segment):
                closed[segment] = stamped
            case TranscriptFinal(segment=segment):
                finals[segment] = stamped
                ended = closed[segment].event
                if isinstance(ended, SpeechEnded):
                    after_speech.append(to_ms(stamped.at - (ended.span.end - hangover)))
            case EmotionScored(segment=segment, score=score) if score.basis is EmotionBasis.TONE:
                emotion.append(to_ms(stamped.at - closed[segment].at))
            case EmotionScored(segment=segment):
                # Written together with the decision that follows from the turn.
                decision.append(to_ms(stamped.at - finals[segment].at))
            case _:
                pass
        if stamped.at > from_s(LEAD_IN_S) and stamped.seq in run.arrived_s:
            console.append((run.arrived_s[stamped.seq] - run.began_s - to_s(stamped.at)) * 1000)
    figures = []
    for name, values, target in (
        ("emotion_after_utterance", emotion, Target("<=", 100)),
        ("decision_after_final", decision, Target("<=", 50)),
        ("console_after_event", console, Target("<=", 50)),
        ("final_after_speech", after_speech, None),
    ):
        figures.append(percentile_of(f"{name}_p50_ms", values, 50, "ms"))
        figures.append(percentile_of(f"{name}_p95_ms", values, 95, "ms", target))
    return figures
