"""Agents, queues and reservations: who is there, who waits, who is offered to whom.

An agent's id is the name of their account. Agents answer for themselves; supervisors and administrators may do so for
anybody, and change priorities, for which they state a reason that goes to the audit log first.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from agent_console.api.acts import Act, Key, Problems, demand_server
from agent_console.api.errors import DeskAbsentError, Problem
from agent_console.auth.accounts import Role
from agent_console.auth.errors import AuthForbiddenError
from agent_console.auth.sessions import Session
from agent_console.deps import ConsoleDep, DeskSide, SessionDep, demand_role
from asr.types import Language
from routing.audit import MAX_NOTE, OverrideReason
from routing.commands import CommandRefusedError
from routing.desk.commands import (
    AcceptOffer,
    DeclineOffer,
    DeskCommand,
    FailBridge,
    FinishCall,
    MissCallback,
    PutAgent,
    RemoveAgent,
    Reprioritize,
    RequestCallback,
    SetPresence,
    ShowLife,
)
from routing.desk.terms import AgentId, AgentProfile, OfferId, Presence, SkillLevel
from routing.desk.views import AgentView, view_agent, view_agents, view_contacts, view_offer, view_queues
from routing.terms import Wording
from voice.contracts.audio import CallId

router = APIRouter(prefix="/api/desk", tags=["desk"])

_ANSWERS: Problems = {
    401: {"model": Problem, "description": "auth.required"},
    403: {"model": Problem, "description": "auth.forbidden, or offer.not_yours"},
    404: {"model": Problem, "description": "agent.unknown, call.unknown, offer.unknown or queue.unknown"},
    409: {"model": Problem, "description": "offer.expired, offer.taken, offer.closed, call.state, agent.fixed …"},
    503: {"model": Problem, "description": "desk.absent, or journal.unavailable: it did not happen; Retry-After"},
}
_SEEN: Problems = {code: _ANSWERS[code] for code in (401, 503)}

Id = Annotated[str, Field(min_length=1, max_length=200)]


class PresenceIn(Act):
    """What the agent does from now on."""

    presence: Presence


class AcceptIn(Act):
    """The console at which the caller is taken."""

    console: Id


class CallbackIn(Act):
    """Where to call back."""

    address: Id


class PriorityIn(Act):
    """Another priority than was decided, and why."""

    priority: Annotated[int, Field(ge=0, le=99)]
    reason: OverrideReason
    note: Annotated[str | None, Field(max_length=MAX_NOTE, description="needed where the reason is other")] = None


class ProfileIn(Act):
    """What an agent can do."""

    name: Annotated[str, Field(max_length=200)] = ""
    skills: Annotated[dict[str, Annotated[int, Field(ge=1, le=9)]], Field(max_length=200)] = Field(default_factory=dict)
    languages: Annotated[list[Language], Field(min_length=1, max_length=2)] = Field(
        default_factory=lambda: [Language.ZH]
    )
    capacity: Annotated[int, Field(ge=1, le=10)] = 1


class AgentOut(BaseModel):
    """An agent."""

    agent: str
    name: str
    skills: dict[str, int]
    languages: list[str]
    capacity: int
    fixed: bool = Field(description="whether the desk's file says what the agent can do")
    presence: Presence = Field(description="busy where the capacity is used up")
    reservation: str | None
    calls: list[str]
    ready_in_s: float | None = Field(description="after-call work ends by itself in so many seconds")


class WordingOut(BaseModel):
    """A text in both languages."""

    zh: str
    en: str


class NamesOut(BaseModel):
    """What people call what the desk's file names."""

    default_queue: str = Field(description="where callers wait whom nothing sends elsewhere")
    queues: dict[str, WordingOut]
    skills: dict[str, WordingOut]


class QueueOut(BaseModel):
    """A queue; waits in seconds."""

    queue: str
    title: WordingOut
    open: bool
    staffed: bool = Field(description="whether anybody is signed in who can serve it")
    waiting: int
    longest_wait_s: float
    expected_wait_s: float | None = Field(description="of somebody who joins now; null where nobody is there for it")
    answered: int
    answered_in_target: int
    abandoned: int
    mean_wait_s: float
    mean_handle_s: float


class ContactOut(BaseModel):
    """A caller at the desk."""

    call: str
    ticket: str
    queue: str
    priority: int
    state: str
    callback: bool
    with_ai: bool
    waited_s: float
    ahead: int | None
    expected_wait_s: float | None = Field(description="none where nobody is there who could serve the caller")
    agent: str | None
    offers: int
    attempts: int = Field(description="how often who is to be called back was called and not reached")
    due_in_s: float | None = Field(description="who is to be called back rests until then; null where they do not")


class ReservationOut(BaseModel):
    """An open reservation."""

    offer: str
    call: str
    ticket: str
    queue: str
    priority: int
    remaining_s: float
    callback: bool = Field(description="the caller hung up and is called, by another call, once this is accepted")
    attempts: int = Field(description="how often they were called and not reached")
    waited_s: float = Field(description="since when the place counts")


@router.get("/agents", summary="List agents", responses=_SEEN)
async def list_agents(_session: SessionDep, console: ConsoleDep, response: Response) -> list[AgentOut]:
    """Every agent with what they can do and do now."""
    _keep_private(response)
    keeper = _desk(console).keeper
    return [_show_agent(one, keeper.now_s()) for one in view_agents(keeper.ledger)]


@router.get("/me", summary="Show me as an agent", responses=_SEEN)
async def show_me(session: SessionDep, console: ConsoleDep, response: Response) -> AgentOut | None:
    """The signed-in agent; null for whom the desk does not know, which going ready changes."""
    _keep_private(response)
    keeper = _desk(console).keeper
    found = view_agent(keeper.ledger, AgentId(session.account.user))
    return None if found is None else _show_agent(found, keeper.now_s())


@router.get("/queues", summary="List queues", responses=_SEEN)
async def list_queues(_session: SessionDep, console: ConsoleDep, response: Response) -> list[QueueOut]:
    """Every queue with who waits and what was counted."""
    _keep_private(response)
    keeper = _desk(console).keeper
    return [QueueOut.model_validate(asdict(one)) for one in view_queues(keeper.ledger, keeper.now_s())]


@router.get("/names", summary="Name queues and skills", responses=_SEEN)
async def show_names(_session: SessionDep, console: ConsoleDep, response: Response) -> NamesOut:
    """The titles of every queue and skill of the desk's file."""
    _keep_private(response)
    config = _desk(console).keeper.ledger.config
    return NamesOut(
        default_queue=config.default_queue,
        queues={name: _show_wording(queue.title) for name, queue in config.queues.items()},
        skills={name: _show_wording(title) for name, title in config.skills.items()},
    )


@router.get("/contacts", summary="List callers at the desk", responses=_SEEN)
async def list_contacts(
    _session: SessionDep, console: ConsoleDep, response: Response, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[ContactOut]:
    """Who waits, is offered, connected or served; who is served next comes first."""
    _keep_private(response)
    keeper = _desk(console).keeper
    found = view_contacts(keeper.ledger, keeper.now_s(), limit=limit)
    return [ContactOut.model_validate(asdict(one)) for one in found]


@router.put("/agents/{agent}", summary="Say what an agent can do", status_code=204, responses=_ANSWERS)
async def put_agent(session: SessionDep, console: ConsoleDep, agent: str, profile: ProfileIn) -> Response:
    """Make an agent known or change them; supervisors and administrators."""
    demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    skills = tuple(SkillLevel(name, level) for name, level in sorted(profile.skills.items()))
    made = AgentProfile(profile.name, skills, tuple(profile.languages), profile.capacity)
    return await _carry_out(console, PutAgent(profile.key, AgentId(agent), made))


@router.delete("/agents/{agent}", summary="Forget an agent", status_code=204, responses=_ANSWERS)
async def remove_agent(session: SessionDep, console: ConsoleDep, agent: str, key: Key) -> Response:
    """Forget an agent who serves nobody; supervisors and administrators."""
    demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    return await _carry_out(console, RemoveAgent(key, AgentId(agent)))


@router.put("/agents/{agent}/presence", summary="Say what an agent does", status_code=204, responses=_ANSWERS)
async def set_presence(session: SessionDep, console: ConsoleDep, agent: str, wish: PresenceIn) -> Response:
    """Ready, busy, after-call work, on a break or offline; agents for themselves, supervisors for anybody."""
    own = _demand_self(session, agent)
    return await _carry_out(console, SetPresence(wish.key, AgentId(agent), wish.presence, enrol=own))


@router.post("/agents/{agent}/life", summary="Show life", status_code=204, responses=_ANSWERS)
async def show_life(session: SessionDep, console: ConsoleDep, agent: str, act: Act) -> Response:
    """A console says regularly that it is there; without that its agent is taken for lost."""
    _demand_self(session, agent)
    return await _carry_out(console, ShowLife(act.key, AgentId(agent)))


@router.get("/reservation", summary="Show my reservation", responses=_SEEN)
async def show_reservation(session: SessionDep, console: ConsoleDep, response: Response) -> ReservationOut | None:
    """The caller who is offered to the signed-in agent; null where nobody is."""
    _keep_private(response)
    keeper = _desk(console).keeper
    found = view_offer(keeper.ledger, AgentId(session.account.user), keeper.now_s())
    return None if found is None else ReservationOut.model_validate(asdict(found))


@router.post("/reservations/{offer}/accept", summary="Take a caller", status_code=204, responses=_ANSWERS)
async def accept(session: SessionDep, console: ConsoleDep, offer: str, wish: AcceptIn) -> Response:
    """The signed-in agent takes the caller at one console; at another it is refused with offer.taken."""
    return await _carry_out(console, AcceptOffer(wish.key, OfferId(offer), _me(session), wish.console))


@router.post("/reservations/{offer}/decline", summary="Do not take a caller", status_code=204, responses=_ANSWERS)
async def decline(session: SessionDep, console: ConsoleDep, offer: str, act: Act) -> Response:
    """The caller goes back to their place and is offered to the next agent."""
    return await _carry_out(console, DeclineOffer(act.key, OfferId(offer), _me(session)))


@router.post("/contacts/{call}/failed", summary="Audio did not come about", status_code=204, responses=_ANSWERS)
async def fail_bridge(session: SessionDep, console: ConsoleDep, call: str, act: Act) -> Response:
    """The caller goes back to their place."""
    return await _carry_out(console, FailBridge(act.key, CallId(call), _me(session)))


@router.post("/contacts/{call}/missed", summary="Callback not answered", status_code=204, responses=_ANSWERS)
async def miss_callback(session: SessionDep, console: ConsoleDep, call: str, act: Act) -> Response:
    """The caller is called again later, as often as the queue says."""
    return await _carry_out(console, MissCallback(act.key, CallId(call), _me(session)))


@router.post("/contacts/{call}/finished", summary="Caller is served", status_code=204, responses=_ANSWERS)
async def finish(session: SessionDep, console: ConsoleDep, call: str, act: Act) -> Response:
    """After-call work begins."""
    return await _carry_out(console, FinishCall(act.key, CallId(call), _me(session)))


@router.post("/contacts/{call}/callback", summary="Note a callback", status_code=204, responses=_ANSWERS)
async def request_callback(session: SessionDep, console: ConsoleDep, call: str, wish: CallbackIn) -> Response:
    """The caller hangs up and is called back, with the place kept, at an address that some trunk lets us call."""
    demand_server(session)
    address = wish.address if ":" in wish.address else f"tel:{wish.address}"
    if not _desk(console).reaches(address):
        raise CommandRefusedError(
            "callback.none", "No trunk calls this address.", fix="Name another number, or allow this one on a trunk."
        )
    return await _carry_out(console, RequestCallback(wish.key, CallId(call), address))


@router.post("/contacts/{call}/priority", summary="Override a priority", status_code=204, responses=_ANSWERS)
async def override_priority(session: SessionDep, console: ConsoleDep, call: str, wish: PriorityIn) -> Response:
    """Another priority for a caller at the desk; supervisors and administrators, with a reason, audited first."""
    demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    details = {"priority": wish.priority, "note": wish.note, "key": wish.key}
    await _desk(console).trail.override(session.account.user, call, "priority.override", wish.reason, details)
    return await _carry_out(console, Reprioritize(wish.key, CallId(call), wish.priority))


def _show_agent(one: AgentView, now_s: float) -> AgentOut:
    return AgentOut(
        agent=one.agent,
        name=one.profile.name,
        skills={skill.name: skill.level for skill in one.profile.skills},
        languages=list(one.profile.languages),
        capacity=one.profile.capacity,
        fixed=one.fixed,
        presence=one.presence,
        reservation=one.offer,
        calls=list(one.calls),
        ready_in_s=None if one.until is None else max(0.0, one.until - now_s),
    )


def _show_wording(wording: Wording) -> WordingOut:
    return WordingOut(zh=wording.zh, en=wording.en)


def _desk(console: ConsoleDep) -> DeskSide:
    if console.desk is None:
        raise DeskAbsentError("This server keeps no desk.")
    return console.desk


async def _carry_out(console: ConsoleDep, command: DeskCommand) -> Response:
    await _desk(console).keeper.execute(command)
    return Response(status_code=204)


def _me(session: Session) -> AgentId:
    return AgentId(demand_server(session))


def _demand_self(session: Session, agent: str) -> bool:
    """Let agents pass for themselves and supervisors for anybody; answers whether it is themselves."""
    own = session.account.user == agent
    if own:
        demand_server(session)
    elif session.account.role not in (Role.SUPERVISOR, Role.ADMIN):
        raise AuthForbiddenError("An agent answers for themselves.", fix="Ask a supervisor.")
    return own


def _keep_private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
