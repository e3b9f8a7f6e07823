"""What can go wrong between a person and their account."""

from __future__ import annotations

from typing import ClassVar

from agent_console.throttling import ThrottledError
from voice.contracts.errors import WarmlineError


class AuthRequiredError(WarmlineError):
    """No session, or one that is over."""

    code: ClassVar[str] = "auth.required"


class AuthFailedError(WarmlineError):
    """Name and password do not belong together; which of them is wrong is never said."""

    code: ClassVar[str] = "auth.failed"


class AuthThrottledError(ThrottledError):
    """Too many attempts to sign in."""

    code: ClassVar[str] = "auth.throttled"


class AuthForbiddenError(WarmlineError):
    """The role does not allow it."""

    code: ClassVar[str] = "auth.forbidden"


class TicketError(WarmlineError):
    """A websocket ticket that is missing, unknown, used or stale."""

    code: ClassVar[str] = "auth.ticket"


class AccountsUnavailableError(WarmlineError):
    """The accounts' storage cannot be read or written."""

    code: ClassVar[str] = "accounts.unavailable"
