"""The trunks file: who may call over SIP, as YAML. Every mistake is told with its line."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from routing.document import Document, Problem, read, read_file
from voice.contracts.sip_errors import TrunksError
from voice.rates import RateLimit
from voice.sip.codecs import CODECS
from voice.sip.digest import ALGORITHMS, Credentials
from voice.sip.trunks import DEFAULT_CODECS, Network, Registrar, SipSettings, TlsSettings, Trunk

LOOPBACK: Final = "trunks:\n  loopback:\n    from: [127.0.0.0/8, '::1/128']\n"
"""What holds without a file: this machine may call, nobody else."""

LEAST_PASSWORD: Final = 8
_FROM_ENVIRONMENT: Final = "env:"
_PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65535}
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 256}
_SECRET: Final = {"type": "string", "minLength": LEAST_PASSWORD, "maxLength": 256}
_DIGITS: Final = {"type": "string", "pattern": r"^\+?[0-9*#]{1,32}$"}
_LANGUAGE: Final = {"enum": ["zh", "en"]}
_TRUNK: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "from": {"type": "array", "maxItems": 256, "items": _TEXT},
        "users": {"type": "object", "maxProperties": 1000, "additionalProperties": _SECRET},
        "language": _LANGUAGE,
        "languages": {"type": "object", "maxProperties": 1000, "additionalProperties": _LANGUAGE},
        "numbers": {"type": "array", "maxItems": 1000, "items": _TEXT},
        "codecs": {"type": "array", "minItems": 1, "items": _TEXT},
        "trust_identity": {"type": "boolean"},
        "encrypt": {"type": "boolean"},
        "early_media": {"type": "boolean"},
        "announcement": _TEXT,
        "transfer_to": {"type": "array", "maxItems": 256, "items": _TEXT},
        "gateway": _TEXT,
        "dials": {"type": "array", "maxItems": 256, "items": _DIGITS},
        "register": {
            "type": "object",
            "additionalProperties": False,
            "required": ["server", "user", "password"],
            "properties": {
                "server": _TEXT,
                "port": _PORT,
                "user": _TEXT,
                "password": _TEXT,
                "expires_s": {"type": "integer", "minimum": 60, "maximum": 86400},
                "transport": {"enum": ["udp", "tcp", "tls"]},
            },
        },
    },
}
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["trunks"],
    "properties": {
        "advertised": _TEXT,
        "audio_ports": {"type": "array", "minItems": 2, "maxItems": 2, "items": _PORT},
        "silence_s": {"type": "number", "minimum": 2, "maximum": 600},
        "realm": _TEXT,
        "digest": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(ALGORITHMS)}},
        "tls": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "port": _PORT,
                "certificate": _TEXT,
                "key": _TEXT,
                "authorities": _TEXT,
                "verify_callers": {"type": "boolean"},
            },
        },
        "rate": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "per_second": {"type": "number", "minimum": 0.1, "maximum": 10000},
                "burst": {"type": "number", "minimum": 1, "maximum": 10000},
            },
        },
        "trunks": {"type": "object", "minProperties": 1, "maxProperties": 100, "additionalProperties": _TRUNK},
    },
}


def load_trunks(
    path: Path | None, host: str, port: int, *, advertised: str | None = None, environ: Mapping[str, str] | None = None
) -> SipSettings:
    """Read the trunks file.

    Args:
        path: of it; None lets in this machine and nobody else.
        host: address to listen on.
        port: for UDP and TCP.
        advertised: overrides what the file says.
        environ: where `env:NAME` is looked up; `os.environ` unless given.

    Raises:
        TrunksError: the file cannot be read, or something in it is wrong; the message names line and field.
    """
    document = (
        read(LOOPBACK, name="loopback", error=TrunksError) if path is None else read_file(path, error=TrunksError)
    )
    document.check(SCHEMA)
    data = document.data
    folder = path.parent if path is not None else Path()
    reader = _Reader(document, os.environ if environ is None else environ, folder)
    trunks = tuple(reader.trunk(name, said) for name, said in data["trunks"].items())
    reader.check_users(trunks)
    first, last = data.get("audio_ports", (20_000, 29_999))
    if last - first < 2:
        reader.wrong(("audio_ports",), "expected a first port and a last one behind it.", "Write: [20000, 29999]")
    tls = _tls(data.get("tls", {}), folder)
    for name, said in data["trunks"].items():
        if said.get("encrypt") and tls.certificate is None:
            reader.wrong(
                ("trunks", name, "encrypt"),
                "expected `tls` with a certificate: without one nobody can call encrypted.",
                "Write, beside `trunks`: tls: {certificate: /etc/warmline/fullchain.pem, key: /etc/warmline/key.pem}",
            )
    if tls.verifies_callers and tls.authorities is None:
        reader.wrong(
            ("tls", "verify_callers"),
            "expected `authorities` beside it: certificates of any website would be let in.",
            "Write: authorities: /etc/warmline/callers.pem",
        )
    document.refuse(reader.problems)
    rate = data.get("rate", {})
    return SipSettings(
        host=host,
        port=port,
        advertised=advertised or data.get("advertised"),
        trunks=trunks,
        ports=(first, last),
        rate=RateLimit(rate.get("per_second", 20.0), rate.get("burst", 40.0)),
        silence_s=data.get("silence_s", 20.0),
        realm=data.get("realm", "warmline"),
        tls=tls,
        digests=tuple(data.get("digest", ALGORITHMS)),
    )


def _tls(said: Mapping[str, Any], folder: Path) -> TlsSettings:
    """Files are looked up beside the trunks file."""

    def file(name: str) -> Path | None:
        return folder / said[name] if name in said else None

    return TlsSettings(
        said.get("port", 5061),
        file("certificate"),
        file("key"),
        file("authorities"),
        verifies_callers=said.get("verify_callers", False),
    )


class _Reader:
    """Builds trunks and gathers what is wrong with them."""

    def __init__(self, document: Document, environ: Mapping[str, str], folder: Path) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._environ = environ
        self._folder = folder

    def wrong(self, path: tuple[str | int, ...], message: str, fix: str = "") -> None:
        self.problems.append(self._document.problem(path, message, fix))

    def trunk(self, name: str, said: dict[str, Any]) -> Trunk:
        at = ("trunks", name)
        if not any(said.get(way) for way in ("from", "users", "register", "gateway")):
            self.wrong(at, "expected `from` or `users`: nobody could call here.", "Write: from: [192.0.2.10]")
        register = said.get("register")
        gateway = said.get("gateway") or (register and f"{register['server']}:{register.get('port', 5060)}")
        if said.get("dials") and not gateway:
            self.wrong(
                (*at, "dials"), "expected `gateway` beside it: numbers are called there.", "Write: gateway: HOST"
            )
        networks = [self._network(text, (*at, "from", index)) for index, text in enumerate(said.get("from", []))]
        if register is not None and not networks:
            self.wrong((*at, "register"), "expected `from` beside it: its calls come from the registrar's addresses.")
        return Trunk(
            name=name,
            networks=tuple(network for network in networks if network is not None),
            users={
                user: self._secret(word, (*at, "users", user), least=LEAST_PASSWORD)
                for user, word in said.get("users", {}).items()
            },
            language=said.get("language"),
            languages=said.get("languages", {}),
            numbers=frozenset(said.get("numbers", [])),
            codecs=self._codecs(said["codecs"], (*at, "codecs")) if "codecs" in said else DEFAULT_CODECS,
            trusts_identity=said.get("trust_identity", True),
            registrar=None if register is None else self._registrar(register, (*at, "register")),
            transfer_to=frozenset(domain.lower() for domain in said.get("transfer_to", [])),
            is_secure=said.get("encrypt", False),
            early_media=said.get("early_media", False),
            announcement=self._announcement(said, at),
            gateway=gateway,
            dials=tuple(said.get("dials", [])),
        )

    def check_users(self, trunks: tuple[Trunk, ...]) -> None:
        seen: dict[str, str] = {}
        for trunk in trunks:
            for user in trunk.users:
                if user in seen:
                    self.wrong(("trunks", trunk.name, "users", user), f"this user stands in {seen[user]} already.")
                seen[user] = trunk.name

    def _registrar(self, said: dict[str, Any], at: tuple[str | int, ...]) -> Registrar:
        credentials = Credentials(said["user"], self._secret(said["password"], (*at, "password")))
        transport = said.get("transport", "udp")
        port = said.get("port", 5061 if transport == "tls" else 5060)
        return Registrar(said["server"], port, credentials, said.get("expires_s", 300), transport)

    def _network(self, text: str, at: tuple[str | int, ...]) -> Network | None:
        try:
            return ipaddress.ip_network(text)
        except ValueError as error:
            self.wrong(at, f"expected an address or a network; {error}.", "Write: 192.0.2.10 or 192.0.2.0/24")
            return None

    def _announcement(self, said: dict[str, Any], at: tuple[str | int, ...]) -> Path | None:
        """A recording, where there is to be one: what is heard early has to be something."""
        file = self._folder / said["announcement"] if "announcement" in said else None
        if said.get("early_media") and file is None:
            self.wrong((*at, "early_media"), "expected `announcement` beside it.", "Write: announcement: welcome.wav")
        elif file is not None and not said.get("early_media"):
            self.wrong((*at, "announcement"), "expected `early_media: true` beside it.", "Write: early_media: true")
        elif file is not None and not file.is_file():
            self.wrong((*at, "announcement"), f"expected a recording; there is no file {file}.")
        return file

    def _codecs(self, names: list[str], at: tuple[str | int, ...]) -> tuple[Any, ...]:
        codecs = []
        for index, name in enumerate(names):
            codec = CODECS.get(name.lower())
            if codec is None:
                known = ", ".join(one.name for one in CODECS.values())
                self.wrong((*at, index), f"expected one of {known}; got {name!r}.")
            else:
                codecs.append(codec)
        return tuple(codecs)

    def _secret(self, text: str, at: tuple[str | int, ...], *, least: int = 1) -> str:
        if not text.startswith(_FROM_ENVIRONMENT):
            return text
        name = text.removeprefix(_FROM_ENVIRONMENT)
        found = self._environ.get(name, "")
        if len(found) < least:
            self.wrong(at, f"expected {least} characters or more in the environment variable {name}; there are fewer.")
        return found
