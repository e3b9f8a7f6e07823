"""`warmline sip check`: what stands between a trunk and a call, looked at one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Sequence
from typing import Final

import anyio
from anyio.to_thread import run_sync

from agent_console.doctor import Finding
from agent_console.settings import Settings
from agent_console.sip_trunks import load_trunks
from agent_console.sip_wiring import sip_address
from voice.clock import WallClock
from voice.contracts.errors import WarmlineError
from voice.contracts.sip_errors import SipError, SipTlsError
from voice.sip.codecs import OPUS_CODEC
from voice.sip.endpoint import SipEndpoint
from voice.sip.sockets import own_address
from voice.sip.tls import caller_context, server_context
from voice.sip.trunks import Registrar, SipSettings, Trunk

ANSWER_S: Final = 8.0
"""How long somebody may take to answer; requests over UDP are repeated four times meanwhile."""

_EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


async def check_sip(settings: Settings, uri: str | None) -> list[Finding]:
    """Look at everything; never raises for what it finds.

    Args:
        settings: how Warmline is to be called.
        uri: whom to ask as well: a trunk's or a telephone system's address.
    """
    findings: list[Finding] = []
    try:
        host, port = sip_address(settings.sip or "0.0.0.0")  # noqa: S104 - what `serve --sip` would take
        found = await run_sync(lambda: load_trunks(settings.trunks, host, port, advertised=settings.sip_advertised))
    except WarmlineError as error:
        return [_wrong("trunks", error)]
    findings += _addresses(found)
    try:
        findings += await run_sync(_encryption, found)
    except SipTlsError as error:
        return [*findings, _wrong("tls", error)]
    findings += [finding for trunk in found.trunks for finding in _trunk(trunk)]
    findings += _hidden(found.trunks)
    try:
        async with SipEndpoint.open(found, WallClock()) as endpoint:
            findings.append(Finding("port", f"{host} port {endpoint.port}, UDP and TCP, is free"))
            if endpoint.tls_port:
                findings.append(Finding("port", f"{host} port {endpoint.tls_port}, TLS, is free"))
            async for finding in _others(endpoint, found, uri):
                findings.append(finding)
    except SipError as error:
        findings.append(_wrong("port", error))
    return findings


def _addresses(settings: SipSettings) -> list[Finding]:
    """What others are told to send to."""
    told = own_address(settings.advertised or settings.host)
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return [
            Finding(
                "address",
                f"trunks are told {told}; names work for signalling, audio wants an address",
                problem=True,
                fix="Set sip_advertised to the address.",
            )
        ]
    if address.is_loopback:
        return [Finding("address", f"trunks are told {told}: only this machine can call", fix="Listen on 0.0.0.0.")]
    first, last = settings.ports
    ports = f"UDP {first} to {last}"
    if address.is_private and settings.advertised is None:
        fix = f"Behind NAT, set sip_advertised to the public address and forward {ports} and the SIP port here."
        return [Finding("address", f"trunks are told {told}, which is private: right inside one network", fix=fix)]
    local = own_address("0.0.0.0")  # noqa: S104 - asked about, not bound
    behind = f"; this machine is {local}, so the way in goes through NAT" if told != local else ""
    return [Finding("address", f"trunks are told {told}, audio on {ports}{behind}")]


def _encryption(settings: SipSettings) -> list[Finding]:
    """Whether certificates can be used, and who has to.

    Raises:
        SipTlsError: they cannot.
    """
    tls = settings.tls
    server_context(tls)
    caller_context(tls)
    secret = [trunk.name for trunk in settings.trunks if trunk.is_secure]
    plain = [trunk.name for trunk in settings.trunks if not trunk.is_secure]
    if tls.certificate is None:
        fix = "On a public network, set `tls` with a certificate and `encrypt: true` on the trunk."
        return [Finding("tls", "nobody can call encrypted: no certificate is set", fix=fix if plain else "")]
    said = f"{tls.certificate} and its key belong together"
    said += "; callers have to show a certificate, too" if tls.verifies_callers else ""
    said += f"; only encrypted calls: {', '.join(secret)}" if secret else ""
    return [Finding("tls", f"{said}; plain calls as well: {', '.join(plain)}" if plain else said)]


def _trunk(trunk: Trunk) -> list[Finding]:
    who = [str(network) for network in trunk.networks] + [f"user {user}" for user in trunk.users]
    found = [Finding(f"trunk {trunk.name}", f"lets in {', '.join(who)}; {', '.join(c.name for c in trunk.codecs)}")]
    if any(network.prefixlen == 0 for network in trunk.networks):
        fix = "Name the addresses that your provider lists."
        found.append(Finding(f"trunk {trunk.name}", "lets in the whole internet", problem=True, fix=fix))
    if all(codec is OPUS_CODEC for codec in trunk.codecs):
        fix = "Add PCMA and PCMU: hardly any trunk speaks Opus."
        found.append(Finding(f"trunk {trunk.name}", "speaks Opus alone", fix=fix))
    return found


def _hidden(trunks: Sequence[Trunk]) -> list[Finding]:
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
                said = f"calls from {', '.join(hidden)} belong to trunk {earlier.name}, which stands before it"
                fix = "Put the narrower one first."
                found.append(Finding(f"trunk {later.name}", said, problem=True, fix=fix))
    return found


async def _others(endpoint: SipEndpoint, settings: SipSettings, uri: str | None) -> AsyncIterator[Finding]:
    for trunk in settings.trunks:
        if trunk.registrar is not None:
            yield await _registers(endpoint, trunk.name, trunk.registrar)
            at = trunk.registrar
            yield await _answers(endpoint, f"sip:{at.server}:{at.port};transport={at.transport}")
    if uri is not None:
        yield await _answers(endpoint, uri)


async def _registers(endpoint: SipEndpoint, name: str, registrar: Registrar) -> Finding:
    subject = f"registration of {name}"
    try:
        registration = await endpoint.register(registrar)
    except SipError as error:
        return _wrong(subject, error)
    clock = WallClock()
    give_up_s = clock.now_s() + ANSWER_S
    while registration.state.status < 200 and clock.now_s() < give_up_s:
        await clock.sleep_until(clock.now_s() + 0.05)
    state = registration.state
    registration.end(clock.now_s())
    if state.status == 200:
        return Finding(subject, f"{registrar.server} knows us")
    fixes = {
        0: "Is the server right, and does a firewall let UDP through?",
        401: "Name and password are refused; check `user` and `password`.",
        403: "The server knows the user and does not want it from here; ask the provider.",
        404: "The server does not know the user; check `user`.",
    }
    said = f"answers {state.status}" if state.status else f"does not answer in {ANSWER_S:g} s"
    return Finding(subject, f"{registrar.server} {said}", problem=True, fix=fixes.get(state.status, ""))


async def _answers(endpoint: SipEndpoint, uri: str) -> Finding:
    clock = WallClock()
    began_s = clock.now_s()
    try:
        with anyio.move_on_after(ANSWER_S):
            response = await endpoint.ask(uri)
            took_ms = 1000 * (clock.now_s() - began_s)
            if response is not None:
                allowed = ", ".join(response.headers.get("allow"))
                said = f"answers {response.status_code} after {took_ms:.0f} ms"
                via = response.via[0].received if response.via else None
                seen = f"; it sees us as {via}" if via and via != endpoint.agent.local.host else ""
                fix = f"Set sip_advertised to {via}." if seen else ""
                return Finding("options", f"{uri} {said}{seen}{f'; allows {allowed}' if allowed else ''}", fix=fix)
    except WarmlineError as error:
        return _wrong("options", error)
    fix = "Is the address right? Does a firewall let UDP both ways? Does the trunk know our address?"
    return Finding("options", f"{uri} does not answer in {ANSWER_S:g} s", problem=True, fix=fix)


def _wrong(subject: str, error: WarmlineError) -> Finding:
    return Finding(subject, super(WarmlineError, error).__str__(), problem=True, fix=error.fix)
