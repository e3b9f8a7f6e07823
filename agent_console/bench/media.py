"""`warmline bench media`: what arrives of a call, when, and what it costs, beside stock aiortc on the same packets.

What arrives is measured in simulated time, so that it is the same on every machine. What it costs is measured over real
sockets, ours and stock in turn, the callers in a process of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from anyio.to_thread import run_sync
from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.asr_manifest import load_said, read_pcm
from agent_console.bench.figures import Figure, Target
from agent_console.bench.media_cpu import Load, measure_load, our_leg, stock_leg
from agent_console.bench.media_loss import OnNetwork, compare
from agent_console.bench.media_network import speech_packets
from agent_console.bench.media_score import Score
from agent_console.bench.media_words import WordErrors, measure_words
from agent_console.demo import SAMPLES
from agent_console.settings import Settings
from asr.engines import load_recognizer
from asr.evaluation import Reference
from asr.types import Language
from voice.contracts.audio import FRAME_SAMPLES, Pcm, to_s
from voice.contracts.errors import AudioFormatError

GROWTH: Final = (1, 10, 40)
"""With how many legs it is measured whether cost grows with their number."""

TABLE_S: Final = 90.0
"""How much speech goes through every network."""


async def measure_media(
    settings: Settings,
    speech: Path | None,
    *,
    utterances: int,
    legs: int,
    seconds: float,
    rounds: int,
    report: Callable[[str], None],
) -> tuple[list[Figure], dict[str, Any], list[OnNetwork]]:
    """Run the benchmark.

    Args:
        settings: engine and models for the words; `fake` leaves the words out.
        speech: a list of recordings with their text; None takes the sample calls.
        utterances: how many are recognized.
        legs: at once, for costs.
        seconds: how long each load is watched.
        rounds: how often.
        report: told what is done next.

    Returns:
        The figures, what they were measured with, and the table of networks.

    Raises:
        ManifestError: the list cannot be read.
        AudioFormatError: no speech in it.
        ModelError: no engine can be loaded.
        MediaError: the callers' process does not answer.
    """
    report("Reading speech")
    references = await run_sync(_references, speech or SAMPLES, utterances)
    pcm = np.concatenate([reference.pcm for reference in references])
    report("Sending it through networks")
    payloads = speech_packets(pcm[: int(TABLE_S * 16_000)])
    networks = await run_sync(compare, payloads)
    words = None
    if settings.engine != "fake":
        recognizer = await run_sync(
            load_recognizer, settings.engine, settings.models, frozenset({Language.ZH, Language.EN})
        )
        words = await run_sync(measure_words, recognizer.recognizer, references, report)
    costs = await _costs(pcm, legs, seconds, rounds, report)
    growth = []
    for count in GROWTH:
        report(f"{count} legs")
        growth.append(await measure_load(lambda: our_leg(pcm), count, pcm, seconds))
    about = {
        "speech": str(speech or "sample calls"),
        "utterances": len(references),
        "seconds": round(to_s(len(payloads) * FRAME_SAMPLES), 1),
        "legs": legs,
        "networks": [_row(each) for each in networks],
    }
    return (
        [*_loss_figures(networks), *_word_figures(words), *_cost_figures(costs), *_growth_figures(growth)],
        about,
        networks,
    )


def network_table(networks: Sequence[OnNetwork]) -> Table:
    """Every network for people: ours, then stock aiortc."""
    columns = [
        Column("network", no_wrap=True),
        *(
            Column(name, justify="right")
            for name in ("filled %", "made up %", "from copies %", "alike %", "mean ms", "p95 ms")
        ),
        *(Column(name, justify="right") for name in ("aiortc: filled %", "alike %", "mean ms", "p95 ms")),
    ]
    rows = Table(*columns, title="The same packets through both", box=SIMPLE, pad_edge=False)
    for each in networks:
        ours, stock = each.ours, each.stock
        rows.add_row(
            each.network.name,
            *(f"{100 * share:.1f}" for share in (ours.filled, each.concealed, each.recovered, ours.alike)),
            f"{ours.delay_mean_ms:.0f}",
            f"{ours.delay_p95_ms:.0f}",
            *(f"{100 * share:.1f}" for share in (stock.filled, stock.alike)),
            f"{stock.delay_mean_ms:.0f}",
            f"{stock.delay_p95_ms:.0f}",
        )
    return rows


def _references(source: Path, most: int) -> list[Reference]:
    said, _ = load_said(source)
    chosen = [each for each in said if each.language in (Language.ZH, Language.EN)][:most]
    if not chosen:
        raise AudioFormatError(f"Expected recordings with their text in {source}; got none.")
    return [Reference(each.where, read_pcm(each), each.text, each.language, each.speaker) for each in chosen]


async def _costs(
    pcm: Pcm, legs: int, seconds: float, rounds: int, report: Callable[[str], None]
) -> dict[str, list[Load]]:
    """Ours and stock in turn, receiving only and both ways."""
    kinds: dict[str, Callable[[], Any]] = {
        "receive": lambda: our_leg(None),
        "receive_aiortc": lambda: stock_leg(None),
        "two_way": lambda: our_leg(pcm),
        "two_way_aiortc": lambda: stock_leg(pcm),
    }
    loads: dict[str, list[Load]] = {name: [] for name in kinds}
    for number in range(rounds):
        for name, new_leg in kinds.items():
            report(f"Round {number + 1} of {rounds}: {name.replace('_', ' ')}")
            loads[name].append(await measure_load(new_leg, legs, pcm, seconds))
    return loads


def _loss_figures(networks: Sequence[OnNetwork]) -> list[Figure]:
    by_name = {each.network.name: each for each in networks}
    five, ten = by_name["loss 5 %"], by_name["loss 10 %"]
    return [
        _one("filled_at_5pct_loss", five.ours.filled, "share", Target(">=", 0.97)),
        _one("filled_at_10pct_loss", ten.ours.filled, "share"),
        _one("filled_at_5pct_loss_aiortc", five.stock.filled, "share"),
        _one("concealed_at_5pct_loss", five.concealed, "share"),
        _one("added_delay_mean_ms_at_5pct_loss", five.ours.delay_mean_ms, "ms", Target("<=", 100)),
        _one("added_delay_p95_ms_at_5pct_loss", five.ours.delay_p95_ms, "ms"),
        _one("added_delay_mean_ms_at_5pct_loss_aiortc", five.stock.delay_mean_ms, "ms"),
    ]


def _word_figures(words: WordErrors | None) -> list[Figure]:
    if words is None:
        return []
    count = words.utterances
    return [
        _one("error_rate_without_loss", words.clean, "%", n=count),
        _one("error_points_lost_at_5pct_loss", words.ours - words.clean, "points", Target("<=", 3), n=count),
        _one("error_points_lost_at_5pct_loss_aiortc", words.stock - words.clean, "points", n=count),
    ]


def _cost_figures(loads: dict[str, list[Load]]) -> list[Figure]:
    costs = {name: [load.cpu_ms_per_s for load in found] for name, found in loads.items()}
    figures = [
        Figure(f"{name}_cpu_ms_per_s", min(found), "ms/s", len(found), min(found), max(found))
        for name, found in costs.items()
    ]
    for name, target in (("receive", Target("<=", 1 / 3)), ("two_way", Target("<=", 0.5))):
        ours, stock = costs[name], costs[f"{name}_aiortc"]
        each = [one / other for one, other in zip(ours, stock, strict=True)]
        ratio = min(ours) / min(stock)
        figures.append(Figure(f"{name}_cpu_ratio_vs_aiortc", ratio, "ratio", len(each), min(each), max(each), target))
    for name in ("two_way", "two_way_aiortc"):
        per_core = [1000 / cost for cost in costs[name]]
        figure = name.replace("two_way", "two_way_legs_per_core")
        figures.append(Figure(figure, max(per_core), "legs", len(per_core), min(per_core), max(per_core)))
    return figures


def _growth_figures(growth: Sequence[Load]) -> list[Figure]:
    return [
        figure
        for load in growth
        for figure in (
            _one(f"two_way_cpu_ms_per_s_of_{load.legs}_legs", load.cpu_ms_per_s, "ms/s"),
            _one(f"late_tick_p99_ms_with_{load.legs}_legs", load.late_p99_ms, "ms"),
        )
    ]


def _one(name: str, value: float, unit: str, target: Target | None = None, n: int = 1) -> Figure:
    return Figure(name, value, unit, n, value, value, target)


def _row(each: OnNetwork) -> dict[str, Any]:
    return {
        "network": each.network.name,
        "concealed": round(each.concealed, 4),
        "recovered": round(each.recovered, 4),
        "ours": _scores(each.ours),
        "aiortc": _scores(each.stock),
    }


def _scores(score: Score) -> dict[str, float]:
    return {
        "filled": round(score.filled, 4),
        "delivered": round(score.delivered, 4),
        "likeness": round(score.likeness, 4),
        "alike": round(score.alike, 4),
        "delay_mean_ms": round(score.delay_mean_ms, 1),
        "delay_p95_ms": round(score.delay_p95_ms, 1),
    }
