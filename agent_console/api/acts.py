"""What a person does once, over HTTP: its key, who may, and what it is answered with."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from agent_console.api.errors import Problem
from agent_console.auth.accounts import Role
from agent_console.auth.sessions import Session
from agent_console.deps import Console, demand_role
from routing.commands import Command

Problems = dict[int | str, dict[str, Any]]
"""Responses by status, as the description of the interface has them."""

Key = Annotated[str, Field(min_length=8, max_length=128, description="chosen by the client; repeats are harmless")]

ON_A_CALL: Final[Problems] = {
    401: {"model": Problem, "description": "auth.required"},
    403: {"model": Problem, "description": "auth.forbidden for the role, or call.not_yours: somebody else serves"},
    404: {"model": Problem, "description": "call.unknown: no such call, or it is over"},
    409: {"model": Problem, "description": "call.state: not possible as things stand; agent.engaged: not free"},
    503: {"model": Problem, "description": "server.draining, capacity.exceeded, journal.unavailable; Retry-After"},
}
"""How what is done on a call may be refused."""


class Act(BaseModel):
    """Something to be done once."""

    model_config = ConfigDict(extra="forbid")

    key: Key


async def carry_out(console: Console, command: Command) -> Response:
    """Carry out a command that has nothing to answer.

    Raises:
        CommandRefusedError: it cannot be carried out.
    """
    await console.commands.execute(command)
    return Response(status_code=204)


def demand_server(session: Session) -> str:
    """The account of somebody who may serve callers.

    Raises:
        AuthForbiddenError: the account's role serves nobody.
    """
    demand_role(session, Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
    return session.account.user
