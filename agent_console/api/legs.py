"""Legs: people who are signed in speak on a call, and do with it what whoever serves does.

A leg is a WebRTC connection. The agent to whom the desk has connected a caller serves them; supervisors and
administrators listen, whisper, barge in, or take the call over, for which they state a reason that goes to the audit
log first. Every request carries a key: repeated word for word it changes nothing again.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, model_validator

from agent_console.api.acts import ON_A_CALL, Act, Key, carry_out, demand_server
from agent_console.api.calls import demand_call_id
from agent_console.api.errors import Problem, ServerError
from agent_console.auth.accounts import Role
from agent_console.auth.sessions import Session
from agent_console.deps import ConsoleDep, SessionDep, demand_role
from routing.audit import MAX_NOTE, OverrideReason
from routing.commands import (
    ChangeMode,
    HoldCall,
    JoinCall,
    LeaveCall,
    LegAnswered,
    LegMode,
    MuteLeg,
    PauseRecording,
    ReofferLeg,
    ResumeCall,
    ResumeRecording,
    UnmuteLeg,
)

router = APIRouter(prefix="/api/calls", tags=["legs"])


class LegOffer(Act):
    """A browser offers a session, to speak on a call."""

    sdp: Annotated[str, Field(min_length=1, max_length=131_072, description="complete with candidates, no trickle")]
    mode: Annotated[
        LegMode,
        Field(
            description="serve: the caller whose offer was accepted, or who is transferred to me; consult: where I am"
            " asked for help; else as a supervisor"
        ),
    ]


class NewLegOffer(Act):
    """A browser offers anew: its network has changed."""

    sdp: Annotated[str, Field(min_length=1, max_length=131_072, description="complete with candidates, no trickle")]


class LegAnswer(BaseModel):
    """The leg is accepted; who serves hears and is heard once sound has come and nothing has to be heard out."""

    sdp: str


class ModeIn(Act):
    """How a supervisor takes part from now on."""

    mode: Annotated[
        Literal[LegMode.SERVE, LegMode.LISTEN, LegMode.WHISPER, LegMode.BARGE],
        Field(description="serve takes the call over from whoever serves"),
    ]
    reason: Annotated[OverrideReason | None, Field(description="why the call is taken over")] = None
    note: Annotated[str, Field(max_length=MAX_NOTE, description="in words; `other` needs one")] = ""

    @model_validator(mode="after")
    def _demand_reason(self) -> ModeIn:
        if self.mode is LegMode.SERVE and self.reason is None:
            raise ValueError("a take-over needs a reason")
        return self


class HoldIn(Act):
    """Whether the caller waits."""

    held: bool


class MuteIn(Act):
    """Whether nobody hears one."""

    muted: bool


class RecordingIn(Act):
    """Whether nothing of what is said is kept."""

    paused: bool


@router.post(
    "/{call}/legs",
    summary="Join a call",
    status_code=201,
    responses=ON_A_CALL | {400: {"model": Problem, "description": "webrtc.sdp"}},
)
async def join_call(
    session: SessionDep, console: ConsoleDep, call: str, offer: LegOffer, response: Response
) -> LegAnswer:
    """Serve an accepted caller, or be consulted; or, for supervisors and administrators, listen, whisper or barge in.

    Whoever calls a caller back joins the call that asked for it with `serve`, and hears how they are rung until they
    answer; then they join the call that reached them.

    Whoever lost their leg joins again as before: who serves, or is consulted, is waited for some seconds.
    """
    if offer.mode in (LegMode.SERVE, LegMode.CONSULT):
        demand_role(session, Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
    else:
        demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    command = JoinCall(offer.key, demand_call_id(call), session.account.user, offer.mode, offer.sdp)
    outcome = await console.commands.execute(command)
    if not isinstance(outcome, LegAnswered):
        raise ServerError(f"Joining is answered by LegAnswered; got {type(outcome).__name__}.")
    response.headers["Cache-Control"] = "no-store"
    return LegAnswer(sdp=outcome.sdp)


@router.put(
    "/{call}/legs/mine/offer",
    summary="Offer my leg anew",
    responses=ON_A_CALL | {400: {"model": Problem, "description": "webrtc.sdp"}},
)
async def reoffer_leg(
    session: SessionDep, console: ConsoleDep, call: str, offer: NewLegOffer, response: Response
) -> LegAnswer:
    """My page lost its connection, or its network changed: it offers another one for the same leg."""
    command = ReofferLeg(offer.key, demand_call_id(call), demand_server(session), offer.sdp)
    outcome = await console.commands.execute(command)
    if not isinstance(outcome, LegAnswered):
        raise ServerError(f"A leg's offer is answered by LegAnswered; got {type(outcome).__name__}.")
    response.headers["Cache-Control"] = "no-store"
    return LegAnswer(sdp=outcome.sdp)


@router.put("/{call}/legs/mine", summary="Take part otherwise", status_code=204, responses=ON_A_CALL)
async def change_mode(session: SessionDep, console: ConsoleDep, call: str, wish: ModeIn) -> Response:
    """A supervisor listens, whispers, barges in, or takes the call over; whoever served is then off the call."""
    demand_role(session, Role.SUPERVISOR, Role.ADMIN)
    user, known = session.account.user, demand_call_id(call)
    if wish.mode is LegMode.SERVE and wish.reason is not None and console.desk is not None:
        details = {"note": wish.note, "key": wish.key}
        await console.desk.trail.override(user, known, "call.take_over", wish.reason, details)
    return await carry_out(console, ChangeMode(wish.key, known, user, wish.mode))


@router.delete("/{call}/legs/mine", summary="Leave a call", status_code=204, responses=ON_A_CALL)
async def leave_call(session: SessionDep, console: ConsoleDep, call: str, key: Annotated[Key, Query()]) -> Response:
    """A supervisor leaves; an agent who serves gives the caller back to the queue, with the place kept."""
    return await carry_out(console, LeaveCall(key, demand_call_id(call), demand_server(session)))


@router.put("/{call}/hold", summary="Put the caller on hold", status_code=204, responses=ON_A_CALL)
async def hold(session: SessionDep, console: ConsoleDep, call: str, wish: HoldIn) -> Response:
    """The caller waits and hears nobody, or is fetched back; for whoever serves, supervisors and administrators."""
    act = HoldCall if wish.held else ResumeCall
    return await carry_out(console, act(wish.key, demand_call_id(call), demand_server(session), _oversees(session)))


@router.put("/{call}/mute", summary="Mute my leg", status_code=204, responses=ON_A_CALL)
async def mute(session: SessionDep, console: ConsoleDep, call: str, wish: MuteIn) -> Response:
    """What is said on one's own leg is heard by nobody, recorded as silence and not transcribed."""
    act = MuteLeg if wish.muted else UnmuteLeg
    return await carry_out(console, act(wish.key, demand_call_id(call), demand_server(session)))


@router.put("/{call}/recording", summary="Pause the recording", status_code=204, responses=ON_A_CALL)
async def pause_recording(session: SessionDep, console: ConsoleDep, call: str, wish: RecordingIn) -> Response:
    """Nothing of what is said is kept, as sound or as words, or it is again; for whoever serves and their superiors."""
    act = PauseRecording if wish.paused else ResumeRecording
    return await carry_out(console, act(wish.key, demand_call_id(call), demand_server(session), _oversees(session)))


def _oversees(session: Session) -> bool:
    return session.account.role in (Role.SUPERVISOR, Role.ADMIN)
