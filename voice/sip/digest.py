"""Digest access (RFC 7616, RFC 8760): who may call without being known by address. Pure; the hashes are aiosipua's."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiosipua import SipDigestAuth, build_credentials, parse_auth
from aiosipua.headers import AuthChallenge, stringify_auth

from voice.contracts.sip_errors import SipCallError
from voice.sip.messages import Request, Response

NONCE_S: Final = 300.0
"""How long a nonce may be used."""

MAX_NONCES: Final = 4_096
"""Nonces whose counts are remembered against replays; older ones are asked for anew."""

ALGORITHMS: Final = ("SHA-256", "MD5")
"""In order of preference; the other side takes the first one that it knows (RFC 8760, 2.2)."""

_COUNT: Final = re.compile(r"[0-9a-fA-F]{8}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and its password."""

    user: str
    password: str


class Digest:
    """Challenges, and judges what is answered.

    Whether a name exists is not told: neither by what is answered nor by how long it takes.

    Args:
        realm: what the names are good for.
        passwords: by name.
        secret: signs nonces.
        algorithms: that are offered and taken, in this order.
    """

    def __init__(
        self,
        realm: str,
        passwords: Mapping[str, str],
        secret: bytes | None = None,
        algorithms: Sequence[str] = ALGORITHMS,
    ) -> None:
        self._realm = realm
        self._algorithms = tuple(algorithms)
        self._passwords = dict(passwords)
        self._secret = secret or secrets.token_bytes(32)
        self._nobodys = secrets.token_hex(16)
        self._counts: OrderedDict[str, int] = OrderedDict()

    def challenges(self, now_s: float) -> list[str]:
        """Values for `WWW-Authenticate`, one for each algorithm."""
        return [stringify_auth(self._challenge(algorithm, self._nonce(now_s))) for algorithm in self._algorithms]

    def identify(self, request: Request, now_s: float) -> str | None:
        """The name that a request proves; None where it proves none."""
        for value in request.headers.get("authorization"):
            if len(value) <= 2_048 and (user := self._judge(value, request, now_s)) is not None:
                return user
        return None

    def _judge(self, value: str, request: Request, now_s: float) -> str | None:
        given = {name.lower(): said for name, said in parse_auth(value, credentials=True).params.items()}
        nonce, user, count = given.get("nonce", ""), given.get("username", ""), given.get("nc", "")
        algorithm = given.get("algorithm", "MD5").upper()
        fits = (
            value[:7].lower() == "digest "
            and given.get("realm") == self._realm
            and given.get("qop", "").lower() == "auth"
            and given.get("uri") == request.uri
            and algorithm in self._algorithms
            and _COUNT.fullmatch(count) is not None
        )
        if not fits or not self._is_ours(nonce, now_s):
            return None
        auth = SipDigestAuth(user, self._passwords.get(user, self._nobodys))
        challenge = self._challenge(algorithm, nonce)
        number = int(count, 16)
        expected = build_credentials(
            auth, challenge, request.method, request.uri, nonce_count=number, cnonce=given.get("cnonce", "")
        )
        response = expected.params.get("response", "") if expected else ""
        right = hmac.compare_digest(response.encode(), given.get("response", "").encode())
        if not right or user not in self._passwords or number <= self._counts.get(nonce, 0):
            return None
        self._counts[nonce] = number
        self._counts.move_to_end(nonce)
        while len(self._counts) > MAX_NONCES:
            self._counts.popitem(last=False)
        return user

    def _challenge(self, algorithm: str, nonce: str) -> AuthChallenge:
        return AuthChallenge(
            "Digest", {"realm": self._realm, "nonce": nonce, "algorithm": algorithm, "qop": "auth", "opaque": "0"}
        )

    def _nonce(self, now_s: float) -> str:
        moment = f"{int(now_s * 1000):x}.{secrets.token_hex(8)}"
        return f"{moment}.{self._sign(moment)}"

    def _is_ours(self, nonce: str, now_s: float) -> bool:
        moment, _, signature = nonce.rpartition(".")
        if not hmac.compare_digest(self._sign(moment).encode(), signature.encode()):
            return False
        return -1 <= now_s - int(moment.partition(".")[0], 16) / 1000 <= NONCE_S

    def _sign(self, moment: str) -> str:
        return hmac.new(self._secret, moment.encode(), hashlib.sha256).hexdigest()[:32]


def answer_challenge(
    response: Response, request: Request, credentials: Credentials, *, nonce_count: int = 1
) -> tuple[str, str]:
    """The header that a challenged request is to be sent again with: name and value.

    Raises:
        SipCallError: no challenge that can be answered.
    """
    status = response.status_code
    asked, answered = ("WWW-Authenticate", "Authorization")
    if status == 407:
        asked, answered = ("Proxy-Authenticate", "Proxy-Authorization")
    auth = SipDigestAuth(credentials.user, credentials.password)
    challenges = [parse_auth(value) for value in response.headers.get(asked)]
    challenges.sort(key=lambda one: one.params.get("algorithm", "MD5").upper() != "SHA-256")
    for challenge in challenges:
        proof = build_credentials(auth, challenge, request.method, request.uri, nonce_count=nonce_count)
        if proof is not None:
            return answered, stringify_auth(proof)
    raise SipCallError(
        f"A digest challenge with MD5 or SHA-256 was expected with {status}; got {len(challenges)} others.",
        status=status,
    )
