"""`warmline bench media`: losses are as asked, the score tells what is missing or misplaced, both are compared."""

from __future__ import annotations

from itertools import groupby

import anyio
import numpy as np
import pytest

from agent_console.bench.audio import long_call
from agent_console.bench.media import network_table
from agent_console.bench.media_capacity import fit_growth, measure_capacity
from agent_console.bench.media_cpu import Load, measure_load
from agent_console.bench.media_legs import bridged_legs, our_leg
from agent_console.bench.media_loss import compare
from agent_console.bench.media_network import BASE_S, NETWORKS, Network, arrivals, speech_packets
from agent_console.bench.media_score import Delivered, decoded_whole, score
from agent_console.bench.media_turns import Compared, measure_in_turn
from voice.clock import WallClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def payloads() -> list[bytes]:
    return speech_packets(long_call(1)[: 7 * SAMPLE_RATE])


@pytest.fixture(scope="module")
def reference(payloads: list[bytes]) -> Pcm:
    return decoded_whole(payloads)


def in_frames(pcm: Pcm, shift: int = 0, delay_s: float = 0.0) -> list[Delivered]:
    return [
        Delivered(start / SAMPLE_RATE + BASE_S + delay_s, start + shift, pcm[start : start + FRAME_SAMPLES])
        for start in range(0, pcm.size, FRAME_SAMPLES)
    ]


@pytest.mark.parametrize("network", [network for network in NETWORKS if network.loss], ids=lambda network: network.name)
def test_a_network_loses_what_it_should_in_bursts_as_long_as_asked(network: Network) -> None:
    count = 40_000
    came = {arrived.number for arrived in arrivals([b"x"] * count, network, 1)}
    lost = [number not in came for number in range(count)]
    bursts = [sum(1 for _ in run) for gone, run in groupby(lost) if gone]
    assert np.mean(lost) == pytest.approx(network.loss, rel=0.15)
    assert np.mean(bursts) == pytest.approx(max(network.burst, 1 / (1 - network.loss)), rel=0.1)


def test_the_same_seed_is_the_same_network() -> None:
    network = Network("x", 0.1, jitter_s=0.05)
    assert arrivals([b"x"] * 50, network, 3) == arrivals([b"x"] * 50, network, 3)
    assert arrivals([b"x"] * 50, network, 3) != arrivals([b"x"] * 50, network, 4)


def test_what_is_whole_and_in_place_is_filled(reference: Pcm) -> None:
    found = score(reference, in_frames(reference, delay_s=0.05), 0)
    assert (found.filled, found.delivered, found.alike) == (1, 1, 1)
    assert found.delay_mean_ms == pytest.approx(50)


def test_what_is_misplaced_or_noise_is_not_filled(reference: Pcm) -> None:
    assert score(reference, in_frames(reference, shift=320), 0).filled == 0
    noise = np.random.default_rng(0).normal(0, 0.1, reference.size).astype(np.float32)
    assert score(reference, in_frames(noise), 0).filled == 0


def test_what_is_missing_is_not_filled(reference: Pcm) -> None:
    every_fourth_gone = [piece for number, piece in enumerate(in_frames(reference)) if number % 4]
    found = score(reference, every_fourth_gone, 0)
    assert found.delivered == pytest.approx(0.75, abs=0.03)
    assert found.filled == pytest.approx(0.75, abs=0.03)


def test_both_receive_paths_get_the_same_packets_through_every_network(payloads: list[bytes]) -> None:
    compared = compare(payloads)
    assert [each.network for each in compared] == list(NETWORKS)
    clean = compared[0]
    assert clean.ours.filled == pytest.approx(1)
    assert clean.stock.filled == pytest.approx(1)
    five = next(each for each in compared if each.network.name == "loss 5 %")
    assert five.ours.filled > 0.97 > five.stock.filled
    assert network_table(compared).row_count == len(NETWORKS)


@pytest.mark.parametrize("legs", [1, 2])
async def test_a_load_of_legs_is_measured(legs: int) -> None:
    speech, clock = long_call(1)[: 5 * SAMPLE_RATE], WallClock()
    bridged = bridged_legs(clock)
    with anyio.fail_after(60):
        load = await measure_load(lambda: next(bridged) if legs > 1 else our_leg(speech, clock), legs, speech, 1.0)
    assert load.legs == legs
    assert load.cpu_ms_per_s > 0
    assert load.frames > 0.3
    assert 0 <= load.late_share <= 1


async def test_both_sides_run_in_turn_and_stand_still_meanwhile() -> None:
    told: list[str] = []
    speech = long_call(1)[: 5 * SAMPLE_RATE]
    with anyio.fail_after(120):
        compared = await measure_in_turn("receive", 1, speech, 2, told.append, slice_s=0.5)
    assert len(compared.ours) == len(compared.stock) == len(told) == 2
    # A second of what one leg hears takes neither nothing nor a whole core, on any machine.
    assert all(0.5 < cost < 500 for cost in (*compared.ours, *compared.stock))


def test_a_machine_that_slows_down_changes_costs_and_not_the_ratio() -> None:
    speed = np.linspace(1, 1.5, 12)
    compared = Compared(tuple(6 * speed), tuple(20 * speed))
    assert compared.ratio == pytest.approx(0.3)
    assert compared.interval() == pytest.approx((0.3, 0.3))
    chance = np.random.default_rng(2)
    noisy = Compared(tuple(6 * chance.uniform(0.8, 1.2, 40)), tuple(20 * chance.uniform(0.8, 1.2, 40)))
    low, high = noisy.interval()
    assert low < noisy.ratio < high
    assert high - low < 0.05


def a_load(legs: int, *, late: float = 0.0, cost_ms_per_s: float = 10.0) -> Load:
    return Load(legs, cost_ms_per_s, legs * cost_ms_per_s / 1000, 1.0, late, 1.0)


@pytest.mark.parametrize("most", [1, 3, 41, 75, 90])
async def test_legs_are_raised_or_lowered_until_one_number_is_carried_and_the_next_is_not(most: int) -> None:
    async def measure(legs: int) -> Load:
        return a_load(legs, late=0.0 if legs <= most else 0.2)

    found = await measure_capacity(measure, 10.0 if most > 3 else 300.0)
    assert found.refused is not None
    assert found.carried <= most < found.refused
    assert found.refused <= max(found.carried + 1, round(1.2 * found.carried) + 1)


async def test_a_load_is_believed_to_be_too_heavy_the_second_time() -> None:
    asked: list[int] = []

    async def measure(legs: int) -> Load:
        asked.append(legs)
        return a_load(legs, late=0.0 if len(asked) == 2 or legs < 80 else 1.0)

    found = await measure_capacity(measure, 9.0)
    assert (found.carried, found.refused) == (83, 95)
    assert asked == [83, 83, 95, 95]


async def test_what_is_known_when_time_is_up_is_answered() -> None:
    async def measure(legs: int) -> Load:
        return a_load(legs)

    found = await measure_capacity(measure, 10.0, lambda: False)
    assert (found.carried, found.refused, len(found.loads)) == (75, None, 1)


def test_growth_tells_a_straight_line_from_a_bent_one() -> None:
    counts = (1, 10, 20, 40)
    straight = fit_growth([a_load(legs, cost_ms_per_s=12.0) for legs in counts])
    assert straight.slope_ms_per_s == pytest.approx(12)
    assert straight.r2 == pytest.approx(1)
    bent = fit_growth([a_load(legs, cost_ms_per_s=0.5 * legs) for legs in counts])
    assert bent.r2 < 0.96
