"""What the HTTP application is given, and how a route gets at it. Nothing here is global."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Protocol, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from agent_console.auth.accounts import Role
from agent_console.auth.errors import AuthForbiddenError
from agent_console.auth.sessions import Session
from agent_console.auth.sign_in import Authentication
from agent_console.live.hub import LiveHub
from agent_console.live.limits import LiveLimits
from agent_console.metrics import Metrics
from agent_console.qa.recordings import Recordings
from agent_console.settings import Settings
from agent_console.throttling import CallRates
from agent_console.turn import TurnSecret
from routing.audit_trail import AuditTrail
from routing.commands import Commands
from routing.desk.keeper import Keeper
from routing.journal.ports import JournalReader
from routing.telling import Tellings
from voice.contracts.ports import Clock, TextSocket

COOKIE = "warmline_session"


@dataclass(frozen=True, slots=True)
class NotReady:
    """A reason why no call can be taken now: a stable code, and a message for whoever operates this."""

    code: str
    message: str


Readiness = Callable[[], Awaitable[Sequence[NotReady]]]
"""Asks everything that a call needs; answers what is not ready."""


class MediaStreams(Protocol):
    """Takes the calls that telephony providers stream; `voice.stream.door` is the one that serves."""

    def check_handshake(self, headers: Mapping[str, str]) -> bool:
        """Whether the handshake proves the provider; else its first message has to.

        Raises:
            StreamRefusedError: it may not come in.
        """
        ...

    async def serve(self, socket: TextSocket, *, proven: bool) -> None:
        """Serve a connection until its call is over."""
        ...


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server as browsers take it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Site:
    """What visitors are told, and from where they may come.

    Attributes:
        version: the application's.
        languages: what callers may speak, the first shown first.
        default_language: one of them.
        ice_servers: for browsers; see `ice_servers_at`.
        turn: TURN servers whose credentials expire.
        turn_secret: what such credentials are made of.
        hosts: names in the Host header that are accepted besides addresses and localhost; `*` accepts any.
        cookie_secure: whether the session cookie travels over https only; `auto` follows the request.
    """

    version: str
    languages: tuple[str, ...] = ("zh", "en")
    default_language: str = "zh"
    ice_servers: tuple[IceServer, ...] = ()
    turn: tuple[str, ...] = ()
    turn_secret: TurnSecret | None = None
    hosts: tuple[str, ...] = ()
    cookie_secure: Literal["auto", "always", "never"] = "auto"

    @classmethod
    def of(cls, settings: Settings, *, version: str) -> Site:
        """The part of the settings that concerns the site."""
        servers = [IceServer(settings.stun)] if settings.stun else []
        if settings.turn and settings.turn_password:
            servers.append(IceServer(settings.turn, settings.turn_user, settings.turn_password.get_secret_value()))
        return cls(
            version=version,
            default_language=settings.language,
            ice_servers=tuple(servers),
            turn=settings.turn,
            turn_secret=turn_secret(settings),
            hosts=settings.hosts if settings.host in ("", "0.0.0.0", "::") else (settings.host, *settings.hosts),  # noqa: S104  # compared, not bound
            cookie_secure=settings.cookie_secure,
        )

    def ice_servers_at(self, now: datetime) -> tuple[IceServer, ...]:
        """For a browser that asks now, with credentials of its own where they expire."""
        if not self.turn or self.turn_secret is None:
            return self.ice_servers
        given = self.turn_secret.credentials(now)
        return (*self.ice_servers, IceServer(self.turn, given.username, given.credential))


def turn_secret(settings: Settings) -> TurnSecret | None:
    """What TURN credentials are made of; None where they do not expire."""
    if settings.turn_secret is None:
        return None
    return TurnSecret(settings.turn_secret.get_secret_value(), settings.turn_lifetime_s)


async def always_ready() -> Sequence[NotReady]:
    """The readiness of a server without anything that could be missing."""
    return ()


@dataclass(frozen=True, slots=True)
class Outside:
    """Who outside may be called, for consultations and transfers; by default nobody.

    Attributes:
        prefixes: first digits of the numbers that some trunk dials.
        domains: domains in which some trunk calls addresses.
    """

    prefixes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


def reach_anybody(_address: str) -> bool:
    """Every address may be called."""
    return True


@dataclass(frozen=True, slots=True)
class DeskSide:
    """The desk and the log of who decided otherwise than was advised.

    Attributes:
        keeper: the desk's.
        trail: the log.
        reaches: whether an address may be called from here, to call somebody back.
    """

    keeper: Keeper
    trail: AuditTrail
    reaches: Callable[[str], bool] = reach_anybody


@dataclass(frozen=True, slots=True)
class Console:
    """Everything that the people's side needs, injected.

    Attributes:
        journal: events out.
        commands: commands in.
        auth: accounts, sessions, tickets.
        recordings: recorded audio.
        clock: monotonic time.
        site: what visitors are told.
        static: the built web app; None where it was not built.
        readiness: asked by `/readyz`.
        live: bounds of the websockets.
        streams: takes media streams of telephony providers; None for none.
        metrics: counts for whoever operates this; None where nothing is counted.
        metrics_token: lets who knows it read them without signing in; None for nobody.
        tellings: what callers are told at each step of a hand-over, in writing.
        outside: who may be called outside.
        call_rates: how often browsers of one address may begin a call; None for as often as they like.
    """

    journal: JournalReader
    commands: Commands
    auth: Authentication
    recordings: Recordings
    clock: Clock
    site: Site
    static: Path | None = None
    readiness: Readiness = always_ready
    live: LiveLimits = field(default_factory=LiveLimits)
    desk: DeskSide | None = None
    streams: MediaStreams | None = None
    metrics: Metrics | None = None
    metrics_token: str | None = field(default=None, repr=False)
    tellings: Tellings = field(kw_only=True)
    outside: Outside = Outside()
    call_rates: CallRates | None = None


def get_console(connection: HTTPConnection) -> Console:
    """The console that the application was created with."""
    return cast(Console, connection.app.state.console)


def get_hub(connection: HTTPConnection) -> LiveHub:
    """The live side of the application."""
    return cast(LiveHub, connection.app.state.hub)


ConsoleDep = Annotated[Console, Depends(get_console)]
HubDep = Annotated[LiveHub, Depends(get_hub)]


async def get_session(connection: HTTPConnection, console: ConsoleDep) -> Session:
    """The session of the request's cookie.

    Raises:
        AuthRequiredError: there is none, or it is over.
    """
    return await console.auth.session_of(connection.cookies.get(COOKIE))


SessionDep = Annotated[Session, Depends(get_session)]


def demand_role(session: Session, *roles: Role) -> None:
    """Let only these roles pass.

    Raises:
        AuthForbiddenError: the account has another role.
    """
    if session.account.role not in roles:
        raise AuthForbiddenError(
            f"This needs the role {' or '.join(roles)}; the account has {session.account.role}.",
            fix="Ask an administrator.",
        )
