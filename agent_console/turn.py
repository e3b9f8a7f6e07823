"""Credentials for TURN servers that expire by themselves, so that no lasting password reaches a browser.

As coturn takes them with `use-auth-secret`: the user name is a moment and a name, the password a keyed hash of it that
only who knows the shared secret can make (Uberti, "A REST API For Access To TURN Services",
draft-uberti-behave-turn-rest-00, 2.2). The server checks hash and moment, and needs no list of users.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """What a browser or this server shows a TURN server."""

    username: str
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnSecret:
    """What this server shares with its TURN servers.

    Attributes:
        secret: coturn's `static-auth-secret`.
        lifetime_s: how long credentials are good for: longer than a call, for they are shown again while it lasts.
    """

    secret: str = field(repr=False)
    lifetime_s: float

    def credentials(self, now: datetime, user: str | None = None) -> TurnCredentials:
        """Credentials from now on.

        Args:
            now: the date and time.
            user: whom the TURN server's log shall name; without one a random name, which tells nothing of anybody.
        """
        expires = int(now.timestamp() + self.lifetime_s)
        username = f"{expires}:{user or secrets.token_hex(4)}"
        # SHA-1 is what the draft and coturn use; as the hash of an HMAC it is sound (RFC 6151, RFC 2104).
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return TurnCredentials(username, base64.b64encode(digest).decode())
