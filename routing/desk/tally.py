"""What simulated days come to: service level, waits, abandonment, occupancy, and how good the promised waits were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.desk.erlang import Expectation, erlang_a, erlang_c
from routing.desk.scenario import Scenario, Spread
from routing.desk.simulation import Day, Served
from routing.desk.terms import Departure

# 97.5 % quantiles of Student's t with 1, 2, 3 … degrees of freedom.
_T: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_T_LATER: Final = ((20, 2.086), (30, 2.042), (60, 2.000), (120, 1.980))

QUICK_S: Final = 30.0
"""A promised wait is called right where it is off by no more than this, or by no more than a quarter."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over days with its 95 % confidence interval (Student); without a second day the interval is unknown."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the callers of one priority waited, in seconds."""

    priority: int
    callers: int
    mean_s: float
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class Promises:
    """How good the wait was that callers were told on entering, over those who had to wait and were answered.

    Attributes:
        callers: how many.
        bias_s: mean of promised minus waited.
        error_s: mean of the absolute difference.
        right: share that was off by at most 30 s or a quarter.
    """

    callers: int
    bias_s: float
    error_s: float
    right: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What several simulated days come to.

    Attributes:
        callers: who came after the warm-up, over all days.
        service_level: share of all callers, those who gave up included, who were answered within the threshold.
        wait_s: mean wait of all callers.
        abandoned: share who gave up.
        occupancy: share of their time that agents were busy while callers came.
        waits: by priority, highest first.
        promises: calibration of the expected wait; None where nobody had to wait.
        expected: what Erlang C (or A, where callers give up) expects for the same load.
        unlike: why theory need not agree: codes of assumptions that do not hold.
    """

    days: int
    callers: int
    service_level: Interval
    wait_s: Interval
    abandoned: Interval
    occupancy: Interval
    waits: tuple[Waits, ...]
    promises: Promises | None
    expected: Expectation
    unlike: tuple[str, ...]


def tally(days: Sequence[Day], *, within_s: float, busy_s: float) -> Tally:
    """Sum up days of one scenario.

    Args:
        days: at least one.
        within_s: the service level's threshold.
        busy_s: how long an agent is busy with a call on average, after-call work included; for the theory.
    """
    scenario = days[0].scenario
    everybody = [one for day in days for one in day.counted()]
    counted_s = scenario.hours * 3600 * (1 - scenario.warm_up)

    def in_time(one: Served) -> bool:
        return one.accepted_at is not None and one.wait_s <= within_s

    return Tally(
        days=len(days),
        callers=len(everybody),
        service_level=_over_days(days, in_time),
        wait_s=_over_days(days, lambda one: one.wait_s),
        abandoned=_over_days(days, lambda one: one.departure is Departure.CALLER_GONE),
        occupancy=_interval([day.busy_s / (scenario.agents * counted_s) for day in days]),
        waits=_by_priority(everybody),
        promises=_promises(everybody),
        expected=expect(scenario, within_s=within_s, busy_s=busy_s),
        unlike=differences(scenario),
    )


def expect(scenario: Scenario, *, within_s: float, busy_s: float) -> Expectation:
    """What theory expects: of each stretch as if it had always been so, weighted by who comes in it."""
    parts = []
    for rate in scenario.arrivals:
        if rate == 0:
            continue
        if scenario.patience_s is None:
            part = erlang_c(rate / 3600, busy_s, scenario.agents, within_s)
        else:
            part = erlang_a(rate / 3600, busy_s, scenario.agents, within_s, scenario.patience_s)
        parts.append((rate, part))
    total = sum(rate for rate, _ in parts) or 1.0

    def mean(figure: Callable[[Expectation], float]) -> float:
        return sum(rate * figure(part) for rate, part in parts) / total

    return Expectation(
        service_level=mean(lambda part: part.service_level),
        mean_wait_s=mean(lambda part: part.mean_wait_s),
        abandoned=mean(lambda part: part.abandoned),
        occupancy=sum(part.occupancy for _, part in parts) / len(scenario.arrivals),
    )


def differences(scenario: Scenario) -> tuple[str, ...]:
    """The assumptions of theory that do not hold of a scenario, as codes."""
    found = {
        "arrivals_vary": len(set(scenario.arrivals)) > 1,
        "lengths_not_exponential": scenario.spread is not Spread.EXPONENTIAL,
        "priorities_differ": len({kind.priority for kind in scenario.kinds}) > 1,
        "skills_differ": len({(kind.queue, kind.skills, kind.language) for kind in scenario.kinds}) > 1
        or len({(crew.skills, crew.languages) for crew in scenario.crews}) > 1,
        "offers_fail": scenario.declined > 0 or scenario.unanswered > 0,
        "answering_takes_time": scenario.answer_s > 0,
    }
    return tuple(code for code, differs in found.items() if differs)


def _over_days(days: Sequence[Day], figure: Callable[[Served], float]) -> Interval:
    means = []
    for day in days:
        counted = day.counted()
        if counted:
            means.append(sum(map(figure, counted)) / len(counted))
    return _interval(means)


def _interval(means: Sequence[float]) -> Interval:
    if not means:
        return Interval(0.0, None, None)
    middle, freedom = float(np.mean(means)), len(means) - 1
    if freedom == 0:
        return Interval(middle, None, None)
    quantile = _T[freedom - 1] if freedom <= len(_T) else next((t for upto, t in _T_LATER if freedom <= upto), 1.96)
    half = quantile * float(np.std(means, ddof=1)) / len(means) ** 0.5
    return Interval(middle, middle - half, middle + half)


def _by_priority(everybody: Sequence[Served]) -> tuple[Waits, ...]:
    found = []
    for priority in sorted({one.caller.kind.priority for one in everybody}, reverse=True):
        waits = np.array([one.wait_s for one in everybody if one.caller.kind.priority == priority])
        p50, p90, p95, p99 = (float(one) for one in np.percentile(waits, [50, 90, 95, 99]))
        found.append(Waits(priority, len(waits), float(waits.mean()), p50, p90, p95, p99, float(waits.max())))
    return tuple(found)


def _promises(everybody: Sequence[Served]) -> Promises | None:
    told = [(one.promised_s, one.wait_s) for one in everybody if one.promised_s is not None and one.accepted_at]
    if not told:
        return None
    errors = np.array([promised - waited for promised, waited in told])
    allowed = np.maximum(QUICK_S, 0.25 * np.array([waited for _, waited in told]))
    right = float((np.abs(errors) <= allowed).mean())
    return Promises(len(told), float(errors.mean()), float(np.abs(errors).mean()), right)
