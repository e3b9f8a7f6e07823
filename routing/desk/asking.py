"""Agents who are asked to a colleague's call: kept free of other callers until they have answered, or for so long.

Whoever asks says so again and again for as long as it lasts; where that stops, because a process died or a log could
not be written, the time runs out by itself and the agent is offered callers as before.
"""

from __future__ import annotations

from typing import Final

from routing.desk.commands import AskAgent, ExcuseAgent, Refusal
from routing.desk.decisions import Decisions
from routing.desk.events import AgentAsked, AgentExcused
from routing.desk.requests import RefusedError
from routing.desk.terms import AgentId

LONGEST_S: Final = 300.0
"""For how long an agent may be kept at once."""


def ask_agent(decisions: Decisions, command: AskAgent) -> None:
    """Keep an agent for a colleague's call from now on, or for longer.

    Raises:
        RefusedError: `agent.unknown`; `agent.engaged`: they are offered or serve somebody, or are asked elsewhere;
            `id.malformed`: for no time, or for too long.
    """
    ledger = decisions.ledger
    if not 0 < command.for_s <= LONGEST_S:
        message = f"An agent is kept for up to {LONGEST_S:g} s; got {command.for_s!r}."
        raise RefusedError(Refusal("id.malformed", message))
    record = ledger.agents.get(command.agent)
    if record is None:
        raise RefusedError(Refusal("agent.unknown", f"No agent {command.agent[:60]!r} is known."))
    if record.asked_by != command.call and not record.free:
        message = f"Agent {command.agent} is not free."
        raise RefusedError(Refusal("agent.engaged", message, "Ask somebody else, or a queue."))
    decisions.emit(AgentAsked(command.agent, command.call, ledger.now + command.for_s))


def excuse_agent(decisions: Decisions, command: ExcuseAgent) -> None:
    """An agent is not needed any more on a colleague's call; nothing happens where they are not kept for it."""
    record = decisions.ledger.agents.get(command.agent)
    if record is not None and record.asked_by == command.call:
        decisions.emit(AgentExcused(command.agent))
        decisions.offer_agent(command.agent)


def end_asking(decisions: Decisions, agent: AgentId) -> None:
    """The time for which an agent was kept may be over."""
    record = decisions.ledger.agents.get(agent)
    if record is not None and record.asked_until is not None and record.asked_until <= decisions.ledger.now:
        decisions.emit(AgentExcused(agent))
        decisions.offer_agent(agent)
