"""Who may stream calls to us. No I/O.

A provider proves itself in one of three ways: a bearer token in the handshake, Twilio's signature of the handshake, or
the same token as the custom parameter `token` of its `start` message, for providers that can set nothing else.

Source of the signature: Twilio, "Security: Validating requests" (twilio.com/docs/usage/security), 2026: the base64 of
the HMAC-SHA1 over the whole address, keyed with the account's auth token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

PARAMETER: Final = "token"
"""The custom parameter that may carry the token."""


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """What a provider has to prove; where neither is given, nobody may stream.

    Attributes:
        token: a shared secret.
        signing_key: the provider account's auth token, for signed handshakes.
        url: our address as the provider was told it, for example `wss://calls.example.com/stream`; it is signed.
    """

    token: str | None = None
    signing_key: str | None = None
    url: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether anybody at all may stream."""
        return bool(self.token or (self.signing_key and self.url))

    def knows_handshake(self, authorization: str | None, signature: str | None) -> bool:
        """Whether the headers `Authorization` or `X-Twilio-Signature` prove the provider."""
        scheme, _, bearer = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and self.knows_token(bearer.strip()):
            return True
        if not (self.signing_key and self.url and signature):
            return False
        digest = hmac.new(self.signing_key.encode(), self.url.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(base64.b64encode(digest), signature.encode())

    def knows_token(self, token: str | None) -> bool:
        """Whether it is the token."""
        return bool(self.token and token) and hmac.compare_digest((self.token or "").encode(), (token or "").encode())
