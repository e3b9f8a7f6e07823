"""Who may stream calls to us."""

from __future__ import annotations

from voice.stream.access import StreamAccess

TOKEN = "a-token-of-some-length"
# Computed apart from the code: printf '%s' URL | openssl dgst -sha1 -hmac KEY -binary | base64
URL, KEY, SIGNATURE = (
    "wss://calls.example.com/stream",
    "0123456789abcdef0123456789abcdef",
    "6Iaskas92/Hu73y8JS9cMHqP8og=",
)


def test_a_bearer_token() -> None:
    access = StreamAccess(token=TOKEN)
    assert access.is_open
    assert access.knows_handshake(f"Bearer {TOKEN}", None)
    assert access.knows_handshake(f"bearer  {TOKEN} ", None)
    for wrong in (None, "", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer 令牌"):
        assert not access.knows_handshake(wrong, None)
    assert access.knows_token(TOKEN)
    assert not access.knows_token(None)
    assert not access.knows_token("")


def test_a_signed_handshake() -> None:
    access = StreamAccess(signing_key=KEY, url=URL)
    assert access.is_open
    assert access.knows_handshake(None, SIGNATURE)
    assert not access.knows_handshake(None, SIGNATURE[:-2] + "A=")
    assert not StreamAccess(signing_key=KEY, url=URL + "/").knows_handshake(None, SIGNATURE)
    assert not access.knows_token("")
    assert not access.knows_handshake("Bearer ", "签名")


def test_nothing_set_lets_nobody_in() -> None:
    for access in (StreamAccess(), StreamAccess(signing_key=KEY), StreamAccess(url=URL), StreamAccess(token="")):
        assert not access.is_open
        assert not access.knows_handshake("Bearer ", "")
        assert not access.knows_token("")
