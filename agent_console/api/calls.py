"""Calls: offered and ended by callers, listed and read by agents."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from agent_console.api.errors import InvalidRequestError, Problem, ServerError
from agent_console.auth.accounts import Role
from agent_console.deps import Console, ConsoleDep, HubDep, SessionDep, demand_role, get_session
from agent_console.live.protocol import MAX_SEQ
from agent_console.live.summary import CallSummary
from agent_console.qa.recordings import CALL_ID
from agent_console.throttling import CallThrottledError
from asr.types import Language
from routing.commands import CallAnswered, HangUp, OfferCall, PressKey, ReofferCall
from voice.contracts.audio import CallId
from voice.contracts.errors import UnknownCallError

router = APIRouter(prefix="/api/calls", tags=["calls"])

Problems = dict[int | str, dict[str, Any]]

_SIGNED_IN: Problems = {401: {"model": Problem, "description": "auth.required"}}
_KNOWN: Problems = {404: {"model": Problem, "description": "call.unknown"}}
_STORED: Problems = {503: {"model": Problem, "description": "journal.unavailable"}}

Secret = Annotated[
    str | None, Header(alias="X-Call-Secret", max_length=512, description="from the answer to the offer")
]


class Offer(BaseModel):
    """A caller's browser offers a session."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=8, max_length=128, description="chosen by the page; repeats are harmless")]
    sdp: Annotated[str, Field(min_length=1, max_length=131_072, description="complete with candidates, no trickle")]
    language: Annotated[str, Field(max_length=16, description="one of /api/config")]
    caller: Annotated[str, Field(min_length=1, max_length=200, description="an opaque address, for example web")]


class Answer(BaseModel):
    """The call is accepted."""

    call: str
    sdp: str
    secret: str = Field(description="lets this page, and no other, end the call and press keys")


class NewOffer(BaseModel):
    """A caller's browser offers anew: its network has changed."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=8, max_length=128, description="chosen by the page; repeats are harmless")]
    sdp: Annotated[str, Field(min_length=1, max_length=131_072, description="complete with candidates, no trickle")]


class NewAnswer(BaseModel):
    """The call goes on over the new connection as soon as that stands."""

    sdp: str


class KeyPress(BaseModel):
    """A key on the page's dial pad."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=8, max_length=128, description="chosen by the page; repeats are harmless")]
    digit: Annotated[str, Field(pattern="^[0-9*#]$")]


class CallsOut(BaseModel):
    """Calls, newest first."""

    calls: list[CallSummary]


class EventsOut(BaseModel):
    """A page of a call's events."""

    events: list[dict[str, Any]] = Field(description="in wire form: call, seq, at_ms, type and the type's own fields")
    last_seq: int = Field(description="the highest seq that is stored, on this page or behind it")
    complete: bool = Field(description="whether nothing more is stored behind this page")


@router.post(
    "",
    summary="Offer a call",
    status_code=201,
    responses={
        400: {"model": Problem, "description": "webrtc.sdp"},
        429: {"model": Problem, "description": "call.throttled: too many from one address; Retry-After says when"},
        503: {"model": Problem, "description": "capacity.exceeded or server.draining; Retry-After"},
    },
)
async def offer_call(offer: Offer, request: Request, console: ConsoleDep, response: Response) -> Answer:
    """A caller's page sends its WebRTC offer and gets the answer; public."""
    _count(console, request)
    if offer.language not in console.site.languages:
        raise InvalidRequestError(f"'language' is one of {', '.join(console.site.languages)}.")
    outcome = await console.commands.execute(
        OfferCall(key=offer.key, sdp=offer.sdp, language=Language(offer.language), caller=offer.caller)
    )
    if not isinstance(outcome, CallAnswered):
        raise ServerError(f"An offer is answered by CallAnswered; got {type(outcome).__name__}.")
    response.headers["Cache-Control"] = "no-store"
    return Answer(call=outcome.call, sdp=outcome.sdp, secret=outcome.secret)


@router.put(
    "/{call}/offer",
    summary="Offer a call anew",
    responses={
        400: {"model": Problem, "description": "webrtc.sdp"},
        403: {"model": Problem, "description": "secret.wrong"},
        404: {"model": Problem, "description": "call.unknown"},
        409: {"model": Problem, "description": "call.state: not a call from a browser"},
        502: {"model": Problem, "description": "webrtc.media: the call is just ending"},
    },
)
async def reoffer_call(
    call: str,
    offer: NewOffer,
    console: ConsoleDep,
    response: Response,
    secret: Annotated[str, Header(alias="X-Call-Secret", max_length=512, description="from the answer to the offer")],
) -> NewAnswer:
    """The caller's page lost its connection, or its network changed: it offers another one for the same call."""
    outcome = await console.commands.execute(
        ReofferCall(key=offer.key, call=demand_call_id(call), sdp=offer.sdp, secret=secret)
    )
    if not isinstance(outcome, CallAnswered):
        raise ServerError(f"An offer is answered by CallAnswered; got {type(outcome).__name__}.")
    response.headers["Cache-Control"] = "no-store"
    return NewAnswer(sdp=outcome.sdp)


@router.delete(
    "/{call}",
    summary="End a call",
    status_code=204,
    responses={
        401: {"model": Problem, "description": "auth.required: neither a secret nor a session"},
        403: {"model": Problem, "description": "secret.wrong, or auth.forbidden for the role qa"},
        404: {"model": Problem, "description": "call.unknown"},
        409: {"model": Problem, "description": "call.ended"},
    },
)
async def end_call(call: str, request: Request, console: ConsoleDep, secret: Secret = None) -> Response:
    """The caller ends the call with its secret; agents, supervisors and administrators with their session."""
    # A fresh key per request: one that could be guessed would let a stranger's refusal stand in for the caller's wish.
    key = secrets.token_hex(16)
    if secret is not None:
        command = HangUp(key=key, call=demand_call_id(call), by="caller", secret=secret)
    else:
        session = await get_session(request, console)
        demand_role(session, Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
        command = HangUp(key=key, call=demand_call_id(call), by=session.account.user)
    await console.commands.execute(command)
    return Response(status_code=204)


@router.post(
    "/{call}/keys",
    summary="Press a key",
    status_code=204,
    responses={
        403: {"model": Problem, "description": "secret.wrong"},
        404: {"model": Problem, "description": "call.unknown"},
        409: {"model": Problem, "description": "call.ended"},
    },
)
async def press_key(
    call: str,
    press: KeyPress,
    console: ConsoleDep,
    secret: Annotated[str, Header(alias="X-Call-Secret", max_length=512, description="from the answer to the offer")],
) -> Response:
    """The same as DTMF on a telephone line: 0 asks for a human."""
    await console.commands.execute(PressKey(key=press.key, call=demand_call_id(call), digit=press.digit, secret=secret))
    return Response(status_code=204)


@router.get("", summary="List calls", responses=_SIGNED_IN | _STORED)
async def list_calls(
    _session: SessionDep,
    console: ConsoleDep,
    hub: HubDep,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64, description="a `started_at` to page on from")] = None,
) -> CallsOut:
    """Live and recorded calls, newest first."""
    if before is not None:
        _demand_moment(before)
    entries = await console.journal.calls(limit=limit, before=before)
    _keep_private(response)
    return CallsOut(calls=[await hub.board.summary_of(entry) for entry in entries])


@router.get("/{call}", summary="Show one call", responses=_SIGNED_IN | _KNOWN | _STORED)
async def show_call(_session: SessionDep, call: str, hub: HubDep, response: Response) -> CallSummary:
    """The call's line in the list."""
    _keep_private(response)
    return await hub.board.summary(demand_call_id(call))


@router.get(
    "/{call}/events",
    summary="Read a call's events",
    response_model=EventsOut,
    responses=_SIGNED_IN | _KNOWN | _STORED | {400: {"model": Problem, "description": "journal.position"}},
)
async def read_events(
    _session: SessionDep,
    call: str,
    console: ConsoleDep,
    hub: HubDep,
    after: Annotated[int, Query(ge=-1, le=MAX_SEQ, description="the last seq that is known already")] = -1,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000,
) -> Response:
    """Stored events with `seq` > `after`, in order and without gap; page on from the last one until `complete`."""
    found = await console.journal.read(demand_call_id(call), after=after, limit=limit + 1)
    page = found[:limit]
    last_seq = page[-1].seq if page else after
    complete = "true"
    if len(found) > limit:
        complete = "false"
        last_seq = max(found[-1].seq, (await hub.board.summary(demand_call_id(call))).last_seq)
    # The events' JSON is shared with the live sockets; validating it again would cost more than writing it.
    events = ",".join(hub.encoded.text(stamped) for stamped in page)
    body = f'{{"events":[{events}],"last_seq":{last_seq},"complete":{complete}}}'
    response = Response(body, media_type="application/json")
    _keep_private(response)
    return response


def demand_call_id(text: str) -> CallId:
    """The id of a call, from a path.

    Raises:
        UnknownCallError: no call can have that id.
    """
    if CALL_ID.fullmatch(text) is None:
        raise UnknownCallError("The id of a call was expected.")
    return CallId(text)


def _count(console: Console, request: Request) -> None:
    """Count a call that is about to begin, before it costs anything."""
    if console.call_rates is None:
        return
    try:
        console.call_rates.count(request.client.host if request.client else "")
    except CallThrottledError as error:
        if console.metrics is not None:
            console.metrics.note_refusal(error.code)
        raise


def _demand_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError("'before' is a call's started_at (ISO 8601; write + as %2B).") from None


def _keep_private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
