"""What queueing theory expects of a line of callers: Erlang C, and Erlang A where callers give up.

Assumptions of both: callers come independently at a steady rate, talk for exponentially distributed times, are served
in the order of coming by agents who are all alike, and the system has been running for long. Erlang C has them wait for
ever, Erlang A for exponentially distributed times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected in the long run.

    Attributes:
        service_level: share of all callers who are answered within the threshold.
        mean_wait_s: of all callers, whether answered or not; infinite where the line grows for ever.
        abandoned: share of callers who give up.
        occupancy: share of their time that agents are busy.
    """

    service_level: float
    mean_wait_s: float
    abandoned: float
    occupancy: float


def erlang_c(arrivals_per_s: float, handle_s: float, agents: int, within_s: float) -> Expectation:
    """Callers who wait for ever (Erlang 1917; for example Koole 2013, "Call Center Optimization", section 4.3).

    Args:
        arrivals_per_s: callers per second.
        handle_s: mean time an agent is busy with one.
        agents: how many there are.
        within_s: the service level's threshold.
    """
    load = arrivals_per_s * handle_s
    if load >= agents:
        return Expectation(0.0, math.inf, 0.0, 1.0)
    blocked = 1.0  # Erlang B by its recursion, which neither overflows nor cancels
    for servers in range(1, agents + 1):
        blocked = load * blocked / (servers + load * blocked)
    waits = blocked / (1 - load / agents * (1 - blocked))
    spare = (agents - load) / handle_s
    return Expectation(1 - waits * math.exp(-spare * within_s), waits / spare, 0.0, load / agents)


def erlang_a(arrivals_per_s: float, handle_s: float, agents: int, within_s: float, patience_s: float) -> Expectation:
    """Callers who give up after exponentially distributed times (Palm 1957; Mandelbaum and Zeltyn 2007).

    The states' probabilities come from the balance equations; the wait of somebody who finds `k` ahead, from the chain
    of the `k + 1` departures before their turn, in which they may give up meanwhile (uniformization, Jensen 1953).

    Args:
        arrivals_per_s: callers per second.
        handle_s: mean time an agent is busy with one.
        agents: how many there are.
        within_s: the service level's threshold.
        patience_s: mean time until a waiting caller gives up.
    """
    served, given_up = 1 / handle_s, 1 / patience_s
    shares = _states(arrivals_per_s, served, given_up, agents)
    found = shares[agents:]  # by how many wait ahead
    waiting = float(np.arange(len(found)) @ found)
    busy = float(np.minimum(np.arange(len(shares)), agents) @ shares)
    at_once = float(shares[:agents].sum())
    in_time = _answered_within(found, agents * served, given_up, within_s)
    return Expectation(
        service_level=at_once + in_time,
        mean_wait_s=waiting / arrivals_per_s,
        abandoned=waiting * given_up / arrivals_per_s,
        occupancy=busy / agents,
    )


def _states(
    arrivals: float, served: float, given_up: float, agents: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Long-run probability of 0, 1, 2 … callers in the system, up to where it becomes negligible."""
    logs = [0.0]
    while len(logs) <= agents or logs[-1] > max(logs) + math.log(NEGLIGIBLE):
        number = len(logs)
        leaving = min(number, agents) * served + max(number - agents, 0) * given_up
        logs.append(logs[-1] + math.log(arrivals / leaving))
    weights = np.exp(np.array(logs) - max(logs))
    shares: np.ndarray[tuple[int], np.dtype[np.float64]] = weights / weights.sum()
    return shares


def _answered_within(
    found: np.ndarray[tuple[int], np.dtype[np.float64]], leaving: float, given_up: float, within_s: float
) -> float:
    """Share of callers who find all agents busy, with so many ahead, and are answered within the threshold."""
    ahead = np.arange(len(found))
    onward = leaving + ahead * given_up  # the next departure among those before them
    fastest = float(onward[-1] + given_up)
    here, answered, total = found.copy(), 0.0, 0.0
    weight = math.exp(-fastest * within_s)
    reached = weight
    step = 0
    # `answered` after n steps of the uniformized chain, weighted by the Poisson probability of n steps.
    while reached < 1 - NEGLIGIBLE and step < 20 * (fastest * within_s + 10):
        total += weight * answered
        moved = here * onward / fastest
        answered += float(moved[0])
        here = here - moved - here * given_up / fastest
        here[:-1] += moved[1:]
        step += 1
        weight *= fastest * within_s / step
        reached += weight
    return total + weight * answered
