"""TURN credentials that expire: as the draft computes them, given out by /api/config, the secret never."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent_console.deps import Site
from agent_console.settings import Settings
from agent_console.turn import TurnSecret
from voice.contracts.errors import SettingsError

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SECRET = "north of the river"


def settings(**values: Any) -> Settings:
    return Settings.load(environ={}, **values)


def test_credentials_are_as_the_draft_has_them() -> None:
    given = TurnSecret(SECRET, 3_600).credentials(NOW, "anna")
    assert given.username == f"{int((NOW + timedelta(hours=1)).timestamp())}:anna"
    digest = hmac.new(SECRET.encode(), given.username.encode(), hashlib.sha1).digest()
    assert given.credential == base64.b64encode(digest).decode()
    assert given.credential not in repr(given)
    assert SECRET not in repr(TurnSecret(SECRET, 3_600))


def test_a_known_answer() -> None:
    """As `openssl dgst -sha1 -hmac north -binary | base64` makes it of the user name."""
    moment = datetime.fromtimestamp(1_433_895_918 - 60, UTC)
    given = TurnSecret("north", 60).credentials(moment, "506DEEYRlz")
    assert (given.username, given.credential) == ("1433895918:506DEEYRlz", "7S4REgS1t+D0VXcoXxLL31MCAgE=")


def test_each_page_is_somebody_else() -> None:
    secret = TurnSecret(SECRET, 60)
    assert secret.credentials(NOW).username != secret.credentials(NOW).username


def test_a_site_gives_credentials_that_last_and_never_the_secret() -> None:
    site = Site.of(
        settings(turn="turn:t.example:3478", turn_secret=SECRET, turn_lifetime_s=600, stun="stun:s.example:3478"),
        version="1",
    )
    stun, turn = site.ice_servers_at(NOW)
    assert (stun.urls, stun.username) == (("stun:s.example:3478",), None)
    assert turn.urls == ("turn:t.example:3478",)
    assert turn.username is not None
    assert turn.username.startswith(f"{int(NOW.timestamp()) + 600}:")
    assert SECRET not in f"{site} {site.ice_servers_at(NOW)}"


def test_a_lasting_password_is_given_as_it_is() -> None:
    site = Site.of(settings(turn="turn:t:1", turn_user="anna", turn_password="p"), version="1")
    (turn,) = site.ice_servers_at(NOW)
    assert (turn.username, turn.credential) == ("anna", "p")


@pytest.mark.parametrize(
    "values",
    [
        {"turn": "turn:t:1"},
        {"turn": "turn:t:1", "turn_user": "anna"},
        {"turn": "turn:t:1", "turn_secret": SECRET, "turn_user": "anna", "turn_password": "p"},
        {"turn": "turn:t:1", "turn_secret": "short"},
        {"turn": "turn:t:1", "turn_secret": SECRET, "turn_lifetime_s": 1},
    ],
)
def test_half_a_set_up_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        settings(**values)
