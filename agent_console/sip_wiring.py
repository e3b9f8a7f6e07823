"""The telephone line of the server: opened before the calls, closed behind them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from anyio.to_thread import run_sync

from agent_console.deps import Outside
from agent_console.settings import Settings
from agent_console.sip_dialing import SipDialer
from agent_console.sip_trunks import load_trunks
from asr.types import Language
from routing.commands import CommandRefusedError
from routing.events import CallAttribute
from routing.switchboard import Switchboard
from routing.terms import Channel
from voice.contracts.errors import CapacityError, UnknownCallError
from voice.contracts.ports import Clock
from voice.contracts.sip_errors import SipError
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.speech.recorded import read_recording

SIP_PORT: Final = 5060

ANNOUNCEMENT: Final = "trunk.announcement"
"""The name in the log of what is said before a call is answered."""

_log = logging.getLogger(__name__)


def sip_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST`, `HOST:PORT` or `[V6]:PORT`; checked by the settings."""
    host, colon, port = text.rpartition(":")
    if not colon or (text.startswith("[") and text.endswith("]")) or (":" in host and not host.startswith("[")):
        return text.strip("[]"), SIP_PORT
    return host.strip("[]"), int(port)


@asynccontextmanager
async def open_sip(settings: Settings, clock: Clock) -> AsyncIterator[SipEndpoint | None]:
    """The line, for as long as the context lasts; None where `sip` is not set. It takes no calls yet.

    Raises:
        TrunksError: the trunks file is not valid.
        SipPortError: its port is taken.
    """
    if settings.sip is None:
        yield None
        return
    host, port = sip_address(settings.sip)
    trunks = await run_sync(lambda: load_trunks(settings.trunks, host, port, advertised=settings.sip_advertised))
    async with SipEndpoint.open(trunks, clock) as line:
        for trunk in trunks.trunks:
            if trunk.registrar is not None:
                try:
                    await line.register(trunk.registrar)
                except SipError as error:  # the server serves without this trunk
                    _log.error("trunk %s cannot register (%s)", trunk.name, error.code)
        _log.info(
            "SIP on %s port %d, UDP and TCP; trunks: %s", host, line.port, ", ".join(t.name for t in trunks.trunks)
        )
        yield line


def who_is_outside(line: SipEndpoint | None) -> Outside:
    """Who may be called over the line's trunks, as `voice.sip.outbound.find_way` decides; nobody without a line."""
    trunks = () if line is None else line.settings.trunks
    prefixes = {prefix for trunk in trunks if trunk.gateway for prefix in trunk.dials}
    domains = {domain for trunk in trunks for domain in trunk.transfer_to}
    return Outside(tuple(sorted(prefixes)), tuple(sorted(domains)))


@asynccontextmanager
async def answer_sip(
    line: SipEndpoint | None,
    settings: Settings,
    switchboard: Switchboard,
    note_refusal: Callable[[str], None],
) -> AsyncIterator[None]:
    """Hand the line's calls to the switchboard, for as long as the context lasts; then callers are told to try later.

    Whom the trunks name is called over the line, for consultations and transfers.

    Args:
        line: what `open_sip` gave.
        settings: the language of whoever names none.
        switchboard: where calls go.
        note_refusal: told the reason of each call that is refused: `sip.` and a `Refusal`.

    Raises:
        PromptError: a trunk's recording cannot be read, holds nothing or is too long.
    """
    if line is None:
        yield
        return
    files = {trunk.name: trunk.announcement for trunk in line.settings.trunks if trunk.announcement is not None}
    announcements = {name: await run_sync(read_recording, file) for name, file in files.items()}

    async def take(leg: SipLeg, call: Line) -> None:
        attributes = tuple(CallAttribute(name, value) for name, value in call.attributes)
        try:
            taken = await switchboard.take(
                leg,
                Channel.SIP,
                caller=call.caller,
                called=call.called,
                language=Language(call.language or settings.language),
                keys=leg.keys(),
                holds=leg.holds(),
                successors=leg.successors(),
                attributes=attributes,
            )
        except CommandRefusedError as refused:  # rooms below routing know no commands; both reasons mean: later
            raise CapacityError(str(refused)) from refused
        if leg.call.is_early and call.trunk in announcements:
            with suppress(UnknownCallError):  # they have hung up
                await switchboard.announce(taken, ANNOUNCEMENT, announcements[call.trunk], disclosure=True)

    def told(why: Refusal) -> None:
        note_refusal(f"sip.{why}")

    line.agent.gate.told = told
    switchboard.dial_with(SipDialer(line))
    with line.accept(take):
        yield
