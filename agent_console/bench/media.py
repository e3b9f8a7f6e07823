"""`warmline bench media`: what arrives of a call, when, and what it costs, beside stock aiortc on the same packets.

What arrives is measured in simulated time, so that it is the same on every machine. What it costs is measured over real
sockets, ours and stock in slices of two seconds in turn, the callers in processes of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from anyio.to_thread import run_sync
from rich.box import SIMPLE
from rich.table import Column, Table

from agent_console.asr_manifest import load_said, read_pcm
from agent_console.bench.figures import Figure, Target, median_of
from agent_console.bench.media_capacity import MOST_LATE, Capacity, fit_growth, measure_capacity
from agent_console.bench.media_cpu import Load, measure_load
from agent_console.bench.media_legs import bridged_legs, our_leg, stock_leg
from agent_console.bench.media_loss import OnNetwork, compare
from agent_console.bench.media_network import speech_packets
from agent_console.bench.media_score import Score
from agent_console.bench.media_turns import Compared, Way, measure_in_turn
from agent_console.bench.media_words import WordErrors, measure_words
from agent_console.demo import SAMPLES
from agent_console.settings import Settings
from asr.engines import load_recognizer
from asr.evaluation import Reference
from asr.types import Language
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, to_s
from voice.contracts.errors import AudioFormatError, WarmlineError

GROWTH: Final = (1, 10, 20, 40)
"""With how many legs it is measured whether cost grows with their number."""

MOST_S: Final = 330.0
"""No further number of legs is tried after so long; what is known by then is answered."""

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
        rounds: in how many pairs of slices ours and stock are compared.
        report: told what is done next.

    Returns:
        The figures, what they were measured with, and the table of networks. A part that could not be measured is
        missing from the figures, and said under `not_measured`.

    Raises:
        ManifestError: the list cannot be read.
        AudioFormatError: no speech in it.
    """
    began_s = time.monotonic()
    report("Reading speech")
    references = await run_sync(_references, speech or SAMPLES, utterances)
    pcm = np.concatenate([reference.pcm for reference in references])
    payloads = speech_packets(pcm[: int(TABLE_S * 16_000)])
    about: dict[str, Any] = {
        "speech": str(speech or "sample calls"),
        "utterances": len(references),
        "seconds": round(to_s(len(payloads) * FRAME_SAMPLES), 1),
        "legs": legs,
        "not_measured": {},
    }
    figures: list[Figure] = []
    networks: list[OnNetwork] = []
    costs: dict[Way, Compared] = {}

    async def through_networks() -> list[Figure]:
        networks.extend(await run_sync(compare, payloads))
        about["networks"] = [_row(each) for each in networks]
        return _loss_figures(networks)

    async def words() -> list[Figure]:
        if settings.engine == "fake":
            return []
        languages = frozenset({Language.ZH, Language.EN})
        recognizer = await run_sync(load_recognizer, settings.engine, settings.models, languages)
        return _word_figures(await run_sync(measure_words, recognizer.recognizer, references, report))

    async def cost() -> list[Figure]:
        ways: tuple[Way, ...] = ("receive", "two_way")
        for way in ways:
            costs[way] = await measure_in_turn(way, legs, pcm, rounds, report)
        return _cost_figures(costs)

    async def ours(count: int) -> Load:
        clock = WallClock()
        report(f"{count} legs")
        return await measure_load(lambda: our_leg(pcm, clock), count, pcm, seconds)

    async def stock(count: int) -> Load:
        clock = WallClock()
        report(f"{count} legs of aiortc")
        return await measure_load(lambda: stock_leg(pcm, clock), count, pcm, seconds)

    async def bridge() -> list[Figure]:
        paired = bridged_legs(WallClock())
        # Whoever speaks needs somebody to listen.
        load = await measure_load(lambda: next(paired), legs + legs % 2, pcm, seconds)
        return [_one("bridged_leg_cpu_ms_per_s", load.cpu_ms_per_s, "ms/s", n=load.legs)]

    async def grow() -> list[Figure]:
        return _growth_figures([await ours(count) for count in GROWTH])

    async def capacity() -> list[Figure]:
        known = costs.get("two_way")
        found = {}
        for name, load, each in (("", ours, known and known.ours), ("_aiortc", stock, known and known.stock)):
            cost_ms_per_s = min(each) if each else (await load(legs)).cpu_ms_per_s
            found[name] = await measure_capacity(load, cost_ms_per_s, lambda: time.monotonic() - began_s < MOST_S)
        about["loads"] = [
            {"of": f"two_way{name}", **asdict(load)} for name, each in found.items() for load in each.loads
        ]
        return _capacity_figures(found)

    parts: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
        "Sending it through networks": through_networks,
        "Recognizing it": words,
        "Costs": cost,
        "Callers and agents, bridged": bridge,
        "Growth": grow,
        "Legs on one core": capacity,
    }
    for name, part in parts.items():
        report(name)
        try:
            figures += await part()
        except WarmlineError as error:
            about["not_measured"][name] = str(error)
            report(f"{name}: not measured ({error})")
    return figures, about, networks


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


def _cost_figures(costs: Mapping[Way, Compared]) -> list[Figure]:
    figures = []
    targets: dict[Way, Target] = {"receive": Target("<=", 1 / 3), "two_way": Target("<=", 0.5)}
    for way, each in costs.items():
        low, high = each.interval()
        count = len(each.ours)
        name = f"{way}_cpu_ratio_vs_aiortc"
        figures += [
            median_of(f"{way}_cpu_ms_per_s", each.ours, "ms/s"),
            median_of(f"{way}_aiortc_cpu_ms_per_s", each.stock, "ms/s"),
            Figure(name, each.ratio, "ratio", count, min(each.ratios), max(each.ratios), targets[way]),
            _one(f"{name}_95_low", low, "ratio", n=count),
            _one(f"{name}_95_high", high, "ratio", n=count),
        ]
    return figures


def _growth_figures(loads: Sequence[Load]) -> list[Figure]:
    growth = fit_growth(loads)
    return [
        *(
            figure
            for load in loads
            for figure in (
                _one(f"two_way_cpu_ms_per_s_of_{load.legs}_legs", load.cpu_ms_per_s, "ms/s"),
                _one(f"late_tick_p99_ms_with_{load.legs}_legs", load.late_p99_ms, "ms"),
                _one(f"late_tick_share_with_{load.legs}_legs", load.late_share, "share", Target("<=", MOST_LATE)),
            )
            if math.isfinite(figure.value)
        ),
        _one("two_way_growth_r2", growth.r2, "share", Target(">=", 0.98), n=len(loads)),
        _one("two_way_cpu_ms_per_s_of_one_more_leg", growth.slope_ms_per_s, "ms/s", n=len(loads)),
        _one("two_way_cpu_ms_per_s_without_legs", growth.base_ms_per_s, "ms/s", n=len(loads)),
    ]


def _capacity_figures(found: dict[str, Capacity]) -> list[Figure]:
    figures = []
    for name, each in found.items():
        figures.append(_one(f"two_way_legs_per_core{name}", each.carried, "legs", n=len(each.loads)))
        if each.refused is not None:
            figures.append(_one(f"two_way_legs_too_many{name}", each.refused, "legs", n=len(each.loads)))
    return figures


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
