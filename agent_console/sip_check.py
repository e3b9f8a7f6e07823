"""`warmline sip check`: what stands between a trunk and a call, looked at one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import anyio
from anyio.to_thread import run_sync

from agent_console import sip_wording as say
from agent_console.doctor import Finding
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from agent_console.sip_trunks import load_trunks
from agent_console.sip_wiring import sip_address
from routing.terms import Wording
from voice.clock import WallClock
from voice.contracts.audio import to_s
from voice.contracts.errors import WarmlineError
from voice.contracts.sip_errors import SipError, SipTlsError
from voice.sip.codecs import OPUS_CODEC
from voice.sip.endpoint import SipEndpoint
from voice.sip.sockets import own_address
from voice.sip.tls import caller_context, server_context
from voice.sip.trunks import Registrar, SipSettings, Trunk
from voice.speech.recorded import read_recording

ANSWER_S: Final = 8.0
"""How long somebody may take to answer; requests over UDP are repeated four times meanwhile."""

_EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


async def check_sip(settings: Settings, uri: str | None, lang: Lang = Lang.EN) -> list[Finding]:
    """Look at everything; never raises for what it finds.

    Args:
        settings: how Warmline is to be called.
        uri: whom to ask as well: a trunk's or a telephone system's address.
        lang: of what is told.
    """
    findings: list[Finding] = []
    try:
        host, port = sip_address(settings.sip or "0.0.0.0")  # noqa: S104 - what `serve --sip` would take
        found = await run_sync(lambda: load_trunks(settings.trunks, host, port, advertised=settings.sip_advertised))
    except WarmlineError as error:
        return [_wrong(lang.of(say.TRUNKS), error, lang)]
    findings.append(_addresses(found, lang))
    try:
        findings.append(await run_sync(_encryption, found, lang))
    except SipTlsError as error:
        return [*findings, _wrong(lang.of(say.ENCRYPTION), error, lang)]
    findings += await run_sync(lambda: [finding for trunk in found.trunks for finding in _trunk(trunk, lang)])
    findings += _hidden(found.trunks, lang)
    subject = lang.of(say.PORT)
    try:
        async with SipEndpoint.open(found, WallClock()) as endpoint:
            findings.append(Finding(subject, lang.of(say.FREE).format(host=host, port=endpoint.port)))
            if endpoint.tls_port:
                findings.append(Finding(subject, lang.of(say.FREE_TLS).format(host=host, port=endpoint.tls_port)))
            async for finding in _others(endpoint, found, uri, lang):
                findings.append(finding)
    except SipError as error:
        findings.append(_wrong(subject, error, lang))
    return findings


def _addresses(settings: SipSettings, lang: Lang) -> Finding:
    """What others are told to send to."""
    told = own_address(settings.advertised or settings.host)

    def finding(found: Wording, fix: Wording | None = None, *, problem: bool = False) -> Finding:
        first, last = settings.ports
        ports = lang.of(say.AUDIO_PORTS).format(first=first, last=last)
        mend = lang.of(fix).format(ports=ports) if fix is not None else ""
        return Finding(lang.of(say.ADDRESS), lang.of(found).format(told=told, ports=ports), problem=problem, fix=mend)

    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return finding(say.NAME_TOLD, say.NAME_TOLD_FIX, problem=True)
    if address.is_loopback:
        return finding(say.LOOPBACK_TOLD, say.LOOPBACK_TOLD_FIX)
    if address.is_private and settings.advertised is None:
        return finding(say.PRIVATE_TOLD, say.PRIVATE_TOLD_FIX)
    fine = finding(say.TOLD)
    local = own_address("0.0.0.0")  # noqa: S104 - asked about, not bound
    if told == local:
        return fine
    return Finding(fine.subject, fine.found + lang.of(say.TOLD_BEHIND).format(local=local))


def _encryption(settings: SipSettings, lang: Lang) -> Finding:
    """Whether certificates can be used, and who has to.

    Raises:
        SipTlsError: they cannot.
    """
    tls = settings.tls
    server_context(tls)
    caller_context(tls)
    subject = lang.of(say.ENCRYPTION)
    secret = _listed([trunk.name for trunk in settings.trunks if trunk.is_secure], lang)
    plain = _listed([trunk.name for trunk in settings.trunks if not trunk.is_secure], lang)
    if tls.certificate is None:
        fix = lang.of(say.NO_CERTIFICATE_FIX) if plain else ""
        return Finding(subject, lang.of(say.NO_CERTIFICATE), fix=fix)
    said = lang.of(say.CERTIFICATE).format(path=tls.certificate)
    said += lang.of(say.CERTIFICATE_ASKED) if tls.verifies_callers else ""
    said += lang.of(say.ENCRYPTED_ONLY).format(names=secret) if secret else ""
    said += lang.of(say.PLAIN_TOO).format(names=plain) if plain else ""
    return Finding(subject, said)


def _trunk(trunk: Trunk, lang: Lang) -> list[Finding]:
    subject = lang.of(say.TRUNK).format(name=trunk.name)
    who = [str(network) for network in trunk.networks]
    who += [lang.of(say.USER).format(name=user) for user in trunk.users]
    codecs = _listed([codec.name for codec in trunk.codecs], lang)
    found = [Finding(subject, lang.of(say.LETS_IN).format(who=_listed(who, lang), codecs=codecs))]
    if any(network.prefixlen == 0 for network in trunk.networks):
        fix = lang.of(say.WHOLE_INTERNET_FIX)
        found.append(Finding(subject, lang.of(say.WHOLE_INTERNET), problem=True, fix=fix))
    if all(codec is OPUS_CODEC for codec in trunk.codecs):
        found.append(Finding(subject, lang.of(say.OPUS_ALONE), fix=lang.of(say.OPUS_ALONE_FIX)))
    if trunk.announcement is not None:
        try:
            said = lang.of(say.EARLY_MEDIA).format(file=trunk.announcement, seconds=_lasts_s(trunk.announcement))
            found.append(Finding(subject, said))
        except WarmlineError as error:
            found.append(_wrong(subject, error, lang))
    return found


def _lasts_s(file: Path) -> float:
    return to_s(read_recording(file).size)


def _hidden(trunks: Sequence[Trunk], lang: Lang) -> list[Finding]:
    """Addresses that an earlier trunk takes away from a later one: what the later one says does not hold for them."""
    found: list[Finding] = []
    for at, later in enumerate(trunks):
        for earlier in trunks[:at]:
            hidden = [
                str(ours)
                for ours in later.networks
                if any(ours.version == theirs.version and ours.overlaps(theirs) for theirs in earlier.networks)
            ]
            if hidden:
                said = lang.of(say.HIDDEN).format(networks=_listed(hidden, lang), earlier=earlier.name)
                subject = lang.of(say.TRUNK).format(name=later.name)
                found.append(Finding(subject, said, problem=True, fix=lang.of(say.HIDDEN_FIX)))
    return found


async def _others(endpoint: SipEndpoint, settings: SipSettings, uri: str | None, lang: Lang) -> AsyncIterator[Finding]:
    for trunk in settings.trunks:
        if trunk.registrar is not None:
            yield await _registers(endpoint, trunk.name, trunk.registrar, lang)
            at = trunk.registrar
            yield await _answers(endpoint, f"sip:{at.server}:{at.port};transport={at.transport}", lang)
    if uri is not None:
        yield await _answers(endpoint, uri, lang)


async def _registers(endpoint: SipEndpoint, name: str, registrar: Registrar, lang: Lang) -> Finding:
    subject = lang.of(say.REGISTRATION).format(name=name)
    try:
        registration = await endpoint.register(registrar)
    except SipError as error:
        return _wrong(subject, error, lang)
    clock = WallClock()
    give_up_s = clock.now_s() + ANSWER_S
    while registration.state.status < 200 and clock.now_s() < give_up_s:
        await clock.sleep_until(clock.now_s() + 0.05)
    state = registration.state
    registration.end(clock.now_s())
    if state.status == 200:
        return Finding(subject, lang.of(say.REGISTERED).format(server=registrar.server))
    said = lang.of(say.ANSWERS if state.status else say.SILENT)
    found = said.format(server=registrar.server, status=state.status, seconds=ANSWER_S)
    fix = say.REGISTRATION_FIXES.get(state.status)
    return Finding(subject, found, problem=True, fix=lang.of(fix) if fix is not None else "")


async def _answers(endpoint: SipEndpoint, uri: str, lang: Lang) -> Finding:
    subject = lang.of(say.OPTIONS)
    clock = WallClock()
    began_s = clock.now_s()
    try:
        with anyio.move_on_after(ANSWER_S):
            response = await endpoint.ask(uri)
            took_ms = 1000 * (clock.now_s() - began_s)
            if response is not None:
                said = lang.of(say.ASKED).format(uri=uri, status=response.status_code, ms=took_ms)
                via = response.via[0].received if response.via else None
                fix = ""
                if via and via != endpoint.agent.local.host:
                    said += lang.of(say.SEEN).format(via=via)
                    fix = lang.of(say.SEEN_FIX).format(via=via)
                if allowed := ", ".join(response.headers.get("allow")):
                    said += lang.of(say.ALLOWS).format(allowed=allowed)
                return Finding(subject, said, fix=fix)
    except WarmlineError as error:
        return _wrong(subject, error, lang)
    said = lang.of(say.SILENT).format(server=uri, seconds=ANSWER_S)
    return Finding(subject, said, problem=True, fix=lang.of(say.SILENT_FIX))


def _wrong(subject: str, error: WarmlineError, lang: Lang) -> Finding:
    found = lang.of(say.ERRORS.get(error.code, say.ERROR))
    return Finding(subject, found.format(detail=super(WarmlineError, error).__str__()), problem=True, fix=error.fix)


def _listed(names: Sequence[str], lang: Lang) -> str:
    return ("、" if lang is Lang.ZH else ", ").join(names)
