"""Where calls may come from: trunks known by address, users known by password. Plain values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from voice.rates import RateLimit
from voice.sip.codecs import CODECS, G722, OPUS_CODEC, PCMA, PCMU, Codec
from voice.sip.digest import ALGORITHMS, Credentials

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_CODECS: Final = (OPUS_CODEC, G722, PCMA, PCMU)


@dataclass(frozen=True, slots=True)
class Registrar:
    """Where we register, so that calls come to us.

    Attributes:
        server: host or address.
        port: of it.
        credentials: our name and password there.
        expires_s: for how long at a time.
        transport: udp, tcp or tls.
    """

    server: str
    port: int
    credentials: Credentials
    expires_s: int = 300
    transport: Literal["udp", "tcp", "tls"] = "udp"


@dataclass(frozen=True, slots=True)
class Trunk:
    """One way for calls to come in.

    Attributes:
        name: of it.
        networks: addresses that are let in without a password.
        users: passwords of those who are let in from anywhere, by name.
        language: what its callers speak; None for what is usual here.
        languages: by number called, where they differ.
        numbers: the numbers that may be called; empty for all.
        codecs: in our order; the other side's order decides.
        trusts_identity: whether P-Asserted-Identity is believed.
        registrar: where to register; None for nowhere.
        transfer_to: domains that may be called, and that calls may be transferred to, by us and by it; empty for none.
        gateway: where numbers are called, `host` or `host:port`; None for nowhere.
        dials: the first digits of the numbers that may be called there; empty for none.
        is_secure: whether its calls have to come over TLS, with encrypted audio.
        early_media: whether callers hear `announcement` before their call is answered (183), and so unpaid.
        announcement: file of a recording.
    """

    name: str
    networks: tuple[Network, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None
    languages: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    codecs: tuple[Codec, ...] = DEFAULT_CODECS
    trusts_identity: bool = True
    registrar: Registrar | None = None
    transfer_to: frozenset[str] = frozenset()
    gateway: str | None = None
    dials: tuple[str, ...] = ()
    is_secure: bool = False
    early_media: bool = False
    announcement: Path | None = None

    def admits(self, host: str) -> bool:
        """Whether an address is let in without a password."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How signalling is encrypted.

    Attributes:
        port: where calls over TLS come in.
        certificate: file with our certificate and those between it and its authority, PEM; None: none come in, and we
            show none where we call.
        key: file with its private key; None where it stands in the same file.
        authorities: file with the authorities whose certificates are believed, PEM; None for the system's.
        verifies_callers: whether who calls has to show a certificate, too.
    """

    port: int = 5061
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None
    verifies_callers: bool = False


@dataclass(frozen=True, slots=True)
class SipSettings:
    """How calls are taken over SIP.

    Attributes:
        host: address to listen on.
        port: for UDP and TCP.
        advertised: address that others reach us under; None for `host`.
        trunks: who may call.
        ports: for audio, first and last; an even one for each call, and the one behind it for reports about it.
        rate: see there.
        silence_s: without a packet of audio, until a call is given up.
        ring_s: how long a call of ours may ring.
        realm: of passwords.
        session_s: how often a call that asks for session timers is refreshed (RFC 4028).
        least_session_s: no session is shorter; RFC 4028, 4 says 90.
        tls: how signalling is encrypted, where it is.
        digests: how passwords are asked for. Some telephones give up on a challenge that has SHA-256 in it even where
            MD5 stands beside it (libre before 2.0, and with it baresip 1.0): for them, MD5 alone.
    """

    host: str
    port: int
    advertised: str | None = None
    trunks: tuple[Trunk, ...] = ()
    ports: tuple[int, int] = (20_000, 29_999)
    rate: RateLimit = field(default_factory=RateLimit)
    silence_s: float = 20.0
    ring_s: float = 60.0
    realm: str = "warmline"
    session_s: int = 1_800
    least_session_s: int = 90
    tls: TlsSettings = field(default_factory=TlsSettings)
    digests: tuple[str, ...] = ALGORITHMS

    @property
    def passwords(self) -> dict[str, str]:
        """Of all trunks, by name."""
        return {user: password for trunk in self.trunks for user, password in trunk.users.items()}

    def trunk_of_address(self, host: str) -> Trunk | None:
        """The trunk that lets an address in."""
        return next((trunk for trunk in self.trunks if trunk.admits(host)), None)

    def trunk_of_user(self, user: str) -> Trunk | None:
        """The trunk that lets a user in."""
        return next((trunk for trunk in self.trunks if user in trunk.users), None)


def codec_named(name: str) -> Codec | None:
    """The codec of a name; None where it is not spoken."""
    return CODECS.get(name.lower())
