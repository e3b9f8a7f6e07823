"""What a caller is told, in writing: for the caller's page, which proves itself by the call's secret."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field

from agent_console.api.calls import demand_call_id
from agent_console.api.errors import Problem
from agent_console.deps import ConsoleDep
from agent_console.live.protocol import MAX_SEQ
from routing.commands import ShowSecret
from routing.events import CallEnded, Stamped
from routing.telling import Tellings
from routing.told import read_told
from voice.contracts.audio import to_ms

LONGEST_WAIT_S = 25.0
"""Shorter than the half minute after which proxies close a connection on which nothing comes."""

PAGE = 1_000
"""Events looked at in one answer; ten minutes of a call."""

router = APIRouter(prefix="/api/calls", tags=["calls"])


class Texts(BaseModel):
    """The same in both languages."""

    zh: str
    en: str


class ToldOut(BaseModel):
    """One thing that the caller was told."""

    seq: int = Field(description="its place in the call")
    at_ms: float = Field(description="when, in milliseconds since the call began")
    text: Texts


class ToldsOut(BaseModel):
    """What the caller was told after `after`."""

    told: list[ToldOut]
    last_seq: int = Field(description="ask on from here")
    ended: bool = Field(description="the call is over; nothing more will come")


@router.get(
    "/{call}/told",
    summary="Read what the caller is told",
    responses={
        400: {"model": Problem, "description": "journal.position"},
        403: {"model": Problem, "description": "secret.wrong"},
        404: {"model": Problem, "description": "call.unknown"},
        503: {"model": Problem, "description": "journal.unavailable"},
    },
)
async def read_what_is_told(
    call: str,
    console: ConsoleDep,
    response: Response,
    secret: Annotated[str, Header(alias="X-Call-Secret", max_length=512, description="from the answer to the offer")],
    after: Annotated[int, Query(ge=-1, le=MAX_SEQ, description="the last_seq of the answer before")] = -1,
    wait_s: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, description="how long to wait for something new")] = 0.0,
) -> ToldsOut:
    """Steps of a hand-over, places in the queue and the policy's announcements, in both languages.

    With `wait_s` the answer comes as soon as there is something to tell, the call has ended, or that time has passed.
    """
    named = demand_call_id(call)
    # The same key each time: the answer stays known when the call is over, and asking often costs nothing.
    await console.commands.execute(ShowSecret(key="told", call=named, secret=secret))
    found = _Found(console.tellings, after)
    found.take(await console.journal.read(named, after=after, limit=PAGE))
    if wait_s and not found.worth_telling():
        with anyio.move_on_after(wait_s):
            async with aclosing(console.journal.follow(named, after=found.last_seq)) as events:
                async for stamped in events:
                    found.take([stamped])
                    if found.worth_telling():
                        break
    response.headers["Cache-Control"] = "no-store"
    return ToldsOut(told=found.told, last_seq=found.last_seq, ended=found.ended)


class _Found:
    def __init__(self, tellings: Tellings, after: int) -> None:
        self._tellings = tellings
        self.told: list[ToldOut] = []
        self.last_seq = after
        self.ended = False

    def worth_telling(self) -> bool:
        return bool(self.told) or self.ended

    def take(self, events: Iterable[Stamped]) -> None:
        for stamped in events:
            self.last_seq = stamped.seq
            self.ended = self.ended or isinstance(stamped.event, CallEnded)
            text = read_told(stamped.event, self._tellings)
            if text is not None:
                texts = Texts(zh=text.zh, en=text.en)
                self.told.append(ToldOut(seq=stamped.seq, at_ms=to_ms(stamped.at), text=texts))
