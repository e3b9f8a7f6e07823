"""Simulated days against queueing theory, and the bound on how long anybody is passed over."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from agent_console.simulate_cli import app
from routing.desk.clientele import kinds_by_policy
from routing.desk.config import DeskConfig
from routing.desk.erlang import erlang_a, erlang_c
from routing.desk.estimate import wait_behind
from routing.desk.file import load_desk
from routing.desk.scenario import Crew, Kind, Scenario, Spread, draw_callers
from routing.desk.simulation import Simulation
from routing.desk.tally import differences, tally
from routing.desk.witness import Witness
from routing.policy.file import DEFAULT_POLICY, load_policy


def config(*, ageing: float = 3.0) -> DeskConfig:
    shipped = load_desk()
    queues = {name: replace(queue, wrap_up_s=0.0, ageing=ageing) for name, queue in shipped.queues.items()}
    return replace(shipped, lease_s=0.0, queues=queues)


def test_erlang_c_is_that_of_the_textbook() -> None:
    # Two agents: C = a^2 / (2 (1 - a/2)) / (1 + a + a^2 / (2 (1 - a/2))), written out.
    two, load = erlang_c(1.5 / 240, 240, 2, 0), 1.5
    tail = load**2 / 2 / (1 - load / 2)
    assert two.service_level == pytest.approx(1 - tail / (1 + load + tail))
    assert erlang_c(1.0, 100, 100, 20).mean_wait_s == math.inf
    one = erlang_c(1 / 300, 240, 1, 0)  # M/M/1: who comes waits with probability rho, on average rho / (mu - lambda)
    assert one.service_level == pytest.approx(1 - 0.8)
    assert one.mean_wait_s == pytest.approx(0.8 / (1 / 240 - 1 / 300))


def test_erlang_a_meets_erlang_c_where_nobody_gives_up() -> None:
    patient, endless = erlang_a(150 / 3600, 240, 12, 20, 1e7), erlang_c(150 / 3600, 240, 12, 20)
    assert patient.service_level == pytest.approx(endless.service_level, abs=1e-3)
    assert patient.mean_wait_s == pytest.approx(endless.mean_wait_s, rel=0.01)
    hasty = erlang_a(150 / 3600, 240, 12, 20, 60)
    assert hasty.occupancy == pytest.approx(150 / 3600 * 240 * (1 - hasty.abandoned) / 12)


def test_the_desk_serves_as_erlang_c_says() -> None:
    scenario = Scenario(arrivals=(120.0,), hours=20.0, crews=(Crew(11),), handle_s=240.0)
    days = [Simulation(config(), scenario, seed).run() for seed in range(20)]
    found = tally(days, within_s=20.0, busy_s=240.0)
    assert found.unlike == ()
    assert found.callers > 40_000
    assert found.service_level.mean == pytest.approx(found.expected.service_level, abs=0.02)
    assert found.occupancy.mean == pytest.approx(found.expected.occupancy, abs=0.02)


def test_urgent_callers_go_first_and_nobody_is_passed_over_for_longer_than_the_bound() -> None:
    """Urgent callers alone are more than the agents can serve; by priority alone the others would never be served.

    Nobody who came more than 99 / ageing minutes later goes first. So whoever comes at t is served no later than all
    who came until t + 99 / ageing, which is what this checks for every pair, and in whole the wait stays what a line
    without priorities would make of it, plus that span.
    """
    ageing = 20.0
    span_s = 99 / ageing * 60
    kinds = (Kind(share=0.9, priority=90), Kind(share=0.1, priority=0))
    scenario = Scenario(arrivals=(200.0,), hours=3.0, crews=(Crew(12),), kinds=kinds, warm_up=0.0)
    desk = config(ageing=ageing)
    witness = Witness(desk)
    served = Simulation(desk, scenario, 3, witness).run().served
    assert all(one.accepted_at is not None for one in served)
    in_turn = sorted(served, key=lambda one: one.accepted_at or 0.0)
    latest_s = 0.0  # when the last of those came who were served so far
    for one in in_turn:
        assert latest_s <= one.caller.at_s + span_s + 1e-6
        latest_s = max(latest_s, one.caller.at_s)
    alike = replace(scenario, kinds=(Kind(),))
    longest_s = max(one.wait_s for one in Simulation(desk, alike, 3).run().served)
    assert max(one.wait_s for one in served) <= longest_s + span_s
    urgent = [one.wait_s for one in served if one.caller.kind.priority == 90]
    others = [one.wait_s for one in served if one.caller.kind.priority == 0]
    assert sum(urgent) / len(urgent) < sum(others) / len(others)


def test_a_witness_finds_nothing_where_offers_fail() -> None:
    scenario = Scenario(
        arrivals=(60.0, 200.0),
        hours=2.0,
        crews=(Crew(6), Crew(2, capacity=2)),
        spread=Spread.LOGNORMAL,
        patience_s=120.0,
        kinds=(Kind(0.7), Kind(0.3, priority=80)),
        answer_s=4.0,
        declined=0.1,
        unanswered=0.1,
    )
    desk = load_desk()
    witness = Witness(replace(desk, lease_s=0.0))
    day = Simulation(replace(desk, lease_s=0.0), scenario, 1, witness).run()
    assert witness.entered == len(day.served) == len(list(draw_callers(scenario, 1)))
    assert not witness.ledger.contacts
    assert {one.departure for one in day.served} == {"served", "caller_gone"}
    assert set(differences(scenario)) == {
        "arrivals_vary",
        "lengths_not_exponential",
        "priorities_differ",
        "offers_fail",
        "answering_takes_time",
    }


def test_the_same_seed_gives_the_same_day() -> None:
    scenario = Scenario(arrivals=(150.0,), hours=0.5, crews=(Crew(8),), declined=0.2)
    first, again, other = (Simulation(config(), scenario, seed).run() for seed in (5, 5, 6))
    assert first.served == again.served
    assert first.served != other.served


@pytest.mark.parametrize(("ahead", "giving_up"), [(0, 0.0), (5, 0.0), (5, 0.01), (300, 0.01), (5_000, 0.001)])
def test_the_expected_wait_is_the_sum_of_the_departures_before(ahead: int, giving_up: float) -> None:
    summed = sum(1 / (0.05 + i * giving_up) for i in range(ahead + 1))
    assert wait_behind(ahead, 0.05, giving_up) == pytest.approx(summed, rel=1e-3)


def test_the_command_prints_figures_beside_theory() -> None:
    arguments = ["desk", "--arrivals", "60", "--agents", "6", "--hours", "1", "--runs", "2", "--json"]
    answer = CliRunner().invoke(app, [*arguments, "--patience", "120", "--skill", "refund:0.2:2", "--check"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["expected"]["model"] == "erlang_a"
    assert 0 <= found["service_level"]["mean"] <= 1
    assert found["unlike"] == ["skills_differ"]


def test_the_policy_decides_who_needs_a_human_and_how_urgently() -> None:
    kinds, share = kinds_by_policy(load_policy())
    assert 0.4 < share < 0.7  # parcels stay with the AI
    by_share = {kind.share: kind.priority for kind in kinds}
    assert by_share[0.04] >= 80  # threats come before everybody
    assert by_share[0.06] >= 75  # an angry voice with calm words
    assert by_share[0.15] >= 40  # whoever asks for a person
    arguments = ["desk", "--arrivals", "100", "--agents", "6", "--hours", "1", "--runs", "1", "--json"]
    answer = CliRunner().invoke(app, [*arguments, "--policy", str(DEFAULT_POLICY)])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)["waits"]
    assert {one["priority"] for one in found} <= set(by_share.values())


@pytest.mark.parametrize(
    "wrong",
    [["--arrivals", "many"], ["--priorities", "100:1"], ["--skill", "juggling:1:1"], ["--skill", "refund:0.2:9"]],
)
def test_the_command_says_what_is_wrong(wrong: list[str]) -> None:
    given = ["desk", "--arrivals", "60", "--agents", "6", "--hours", "1", "--runs", "1", *wrong]
    answer = CliRunner().invoke(app, given)
    assert type(answer.exception).__name__ == "SettingsError"
    assert wrong[1] in str(answer.exception)
