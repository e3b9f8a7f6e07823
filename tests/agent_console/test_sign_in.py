"""Signing in over HTTP, and the stores behind it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from argon2 import PasswordHasher

from agent_console.auth.accounts import Accounts, Role
from agent_console.auth.database import AuthDatabase
from agent_console.auth.errors import AccountsUnavailableError, AuthThrottledError, TicketError
from agent_console.auth.passwords import PasswordVault, normalise_user
from agent_console.auth.sessions import MAX_SESSIONS_PER_USER, SessionLimits, Sessions, digest
from agent_console.auth.sign_in import open_authentication
from agent_console.auth.throttle import FORGET_S, LoginThrottle, ThrottleLimits
from agent_console.auth.tickets import Tickets
from voice.clock import ManualClock
from voice.contracts.errors import AccountError, DataFolderError

if TYPE_CHECKING:
    from tests.agent_console.conftest import Rig

PASSWORD = "correct horse 9"
CREDENTIALS = {"user": "mei", "password": PASSWORD}
WRONG = {"user": "mei", "password": "wrong horse 9"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[AuthDatabase]:
    with AuthDatabase(tmp_path / "accounts.db") as opened:
        yield opened


@pytest.fixture
def accounts(database: AuthDatabase) -> Accounts:
    return Accounts(database, PasswordVault(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))


@pytest.mark.anyio
async def test_signing_in_and_out(rig: Rig) -> None:
    answer = await rig.client.post("/api/session", json=CREDENTIALS)
    assert answer.json() == {"user": "mei", "name": "Méi 梅", "role": "agent"}
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("warmline_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert (await rig.client.get("/api/session")).json() == answer.json()
    token = rig.client.cookies["warmline_session"]
    assert (await rig.client.delete("/api/session")).status_code == 204
    assert "warmline_session" not in rig.client.cookies
    stolen = await rig.client.get("/api/session", headers={"Cookie": f"warmline_session={token}"})
    assert (stolen.status_code, stolen.json()["code"]) == (401, "auth.required")


@pytest.mark.anyio
async def test_the_cookie_is_secure_behind_https(rig: Rig) -> None:
    answer = await rig.client.post("/api/session", json=CREDENTIALS, headers={"X-Forwarded-Proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.anyio
async def test_a_second_sign_in_ends_the_first(rig: Rig) -> None:
    await rig.sign_in()
    first = rig.client.cookies["warmline_session"]
    await rig.sign_in("supervisor")
    answer = await rig.client.get("/api/session", headers={"Cookie": f"warmline_session={first}"})
    assert answer.status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize(
    "credentials", [WRONG, {"user": "nobody", "password": PASSWORD}, {"user": "a b/c", "password": PASSWORD}], ids=str
)
async def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nothing(
    rig: Rig, credentials: dict[str, str]
) -> None:
    answer = await rig.client.post("/api/session", json=credentials)
    assert answer.status_code == 401
    assert answer.json() == {
        "code": "auth.failed",
        "message": "This name and this password do not belong together.",
        "fix": "Check both; capital letters count.",
    }
    assert "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_guessing_is_slowed_down_for_the_user(rig: Rig) -> None:
    for _ in range(5):
        assert (await rig.client.post("/api/session", json=WRONG)).status_code == 401
    blocked = await rig.client.post("/api/session", json=CREDENTIALS)
    assert (blocked.status_code, blocked.json()["code"]) == (429, "auth.throttled")
    assert blocked.headers["retry-after"] == "1"
    full_width = {"user": "ｍｅｉ", "password": PASSWORD}
    assert (await rig.client.post("/api/session", json=full_width)).status_code == 429
    rig.clock.advance(1)
    assert (await rig.client.post("/api/session", json=WRONG)).status_code == 401
    rig.clock.advance(1)
    assert (await rig.client.post("/api/session", json=WRONG)).status_code == 429
    rig.clock.advance(1)
    await rig.sign_in()
    assert (await rig.client.post("/api/session", json=WRONG)).status_code == 401


@pytest.mark.anyio
async def test_parallel_guesses_gain_nothing(rig: Rig) -> None:
    statuses: list[int] = []

    async def guess() -> None:
        statuses.append((await rig.client.post("/api/session", json=WRONG)).status_code)

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(guess)
    assert statuses.count(401) == 5
    assert statuses.count(429) == 15


@pytest.mark.anyio
async def test_guessing_is_slowed_down_for_the_address(rig: Rig) -> None:
    for number in range(20):
        credentials = {"user": f"user{number}", "password": PASSWORD}
        assert (await rig.client.post("/api/session", json=credentials)).status_code == 401
    assert (await rig.client.post("/api/session", json=CREDENTIALS)).status_code == 429
    elsewhere = await rig.client.post("/api/session", json=CREDENTIALS, headers={"X-Forwarded-For": "192.0.2.7"})
    assert elsewhere.status_code == 200


@pytest.mark.anyio
async def test_a_session_ends_when_idle_and_when_old(rig: Rig) -> None:
    await rig.sign_in()
    for _ in range(12):
        rig.clock.advance(3_590)
        assert (await rig.client.get("/api/session")).status_code == 200
    rig.clock.advance(200)  # 12 h since sign-in, though in use
    assert (await rig.client.get("/api/session")).status_code == 401
    await rig.sign_in()
    rig.clock.advance(3_600)
    assert (await rig.client.get("/api/session")).status_code == 401


@pytest.mark.anyio
async def test_a_storage_in_trouble_is_503(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session_id: str) -> None:
        raise AccountsUnavailableError("disk full")

    await rig.sign_in()
    monkeypatch.setattr(rig.auth.sessions, "find", fail)
    answer = await rig.client.get("/api/session")
    assert (answer.status_code, answer.json()["code"]) == (503, "accounts.unavailable")


def test_accounts_are_added_listed_verified_and_removed(accounts: Accounts) -> None:
    accounts.add("Mei", PASSWORD, "agent", name="Méi")
    accounts.add("boss", PASSWORD, Role.ADMIN)
    assert [(each.user, each.name, each.role) for each in accounts.all()] == [
        ("boss", "boss", Role.ADMIN),
        ("mei", "Méi", Role.AGENT),
    ]
    found = accounts.verify(" MEI ", PASSWORD)
    assert found is not None
    assert found.user == "mei"
    assert accounts.verify("mei", "wrong horse 9") is None
    assert accounts.verify("nobody", PASSWORD) is None
    accounts.remove("mei")
    assert accounts.verify("mei", PASSWORD) is None


def test_a_password_is_the_same_however_it_was_typed(accounts: Accounts) -> None:
    accounts.add("mei", "cafe\u0301 au lait", Role.AGENT)
    assert accounts.verify("mei", "caf\u00e9 au lait") is not None


@pytest.mark.parametrize(
    ("user", "password", "role", "said"),
    [
        ("m", PASSWORD, "agent", "2 to 64"),
        ("m" * 65, PASSWORD, "agent", "2 to 64"),
        ("me i", PASSWORD, "agent", "' '"),
        ("me/i", PASSWORD, "agent", "'/'"),
        ("mei", "short", "agent", "10 to 256"),
        ("mei", "x" * 257, "agent", "10 to 256"),
        ("mei", "a" * 20, "agent", "different"),
        ("mei-mei-mei", "Mei-Mei-Mei1", "agent", "own name"),
        ("mei", PASSWORD, "king", "agent, supervisor, qa, admin"),
        ("taken", PASSWORD, "agent", "already"),
    ],
)
def test_an_account_that_breaks_the_rules_is_refused(
    accounts: Accounts, user: str, password: str, role: str, said: str
) -> None:
    accounts.add("taken", PASSWORD, "agent")
    with pytest.raises(AccountError) as refusal:
        accounts.add(user, password, role)
    assert said in str(refusal.value)
    assert password not in str(refusal.value)
    assert len(accounts.all()) == 1


def test_an_unknown_account_cannot_be_changed(accounts: Accounts) -> None:
    with pytest.raises(AccountError, match="no account 'nobody'"):
        accounts.remove("nobody")
    with pytest.raises(AccountError, match="no account 'nobody'"):
        accounts.set_password("nobody", PASSWORD)


def test_names_are_compared_by_what_they_look_like() -> None:
    assert normalise_user(" Ｍｅｉ ") == "mei"
    assert normalise_user("王小梅") == "王小梅"


def test_a_new_password_ends_every_session(accounts: Accounts, database: AuthDatabase) -> None:
    mei = accounts.add("mei", PASSWORD, Role.AGENT)
    sessions = Sessions(database, SessionLimits(60, 600))
    session_id = digest(sessions.open(mei))
    assert sessions.find(session_id) is not None
    accounts.set_password("mei", "another horse 10")
    assert sessions.find(session_id) is None
    assert accounts.verify("mei", PASSWORD) is None
    assert accounts.verify("mei", "another horse 10") is not None


def test_a_removed_account_has_no_session(accounts: Accounts, database: AuthDatabase) -> None:
    sessions = Sessions(database, SessionLimits(60, 600))
    session_id = digest(sessions.open(accounts.add("mei", PASSWORD, Role.AGENT)))
    accounts.remove("mei")
    assert sessions.find(session_id) is None


def test_a_user_has_a_bounded_number_of_sessions(accounts: Accounts, database: AuthDatabase) -> None:
    clock = ManualClock()
    sessions = Sessions(database, SessionLimits(6000, 6000), now=lambda: clock.utc_now().timestamp())
    mei = accounts.add("mei", PASSWORD, Role.AGENT)
    ids = []
    for _ in range(MAX_SESSIONS_PER_USER + 3):
        clock.advance(1)
        ids.append(digest(sessions.open(mei)))
    assert [sessions.find(each) is not None for each in ids] == [False] * 3 + [True] * MAX_SESSIONS_PER_USER


def test_neither_tokens_nor_passwords_are_stored(accounts: Accounts, database: AuthDatabase, tmp_path: Path) -> None:
    token = Sessions(database, SessionLimits(60, 600)).open(accounts.add("mei", PASSWORD, Role.AGENT))
    assert len(token) >= 43
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert token.encode() not in content
        assert PASSWORD.encode() not in content
    assert (tmp_path / "accounts.db").stat().st_mode & 0o077 == 0


def test_a_hash_with_old_parameters_is_renewed(database: AuthDatabase, tmp_path: Path) -> None:
    weak = Accounts(database, PasswordVault(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    weak.add("mei", PASSWORD, Role.AGENT)
    strong = Accounts(database, PasswordVault(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    assert strong.verify("mei", PASSWORD) is not None
    with sqlite3.connect(tmp_path / "accounts.db") as raw:
        (stored,) = raw.execute("SELECT password_hash FROM accounts").fetchone()
    raw.close()
    assert "m=16,t=2" in stored
    assert strong.verify("mei", PASSWORD) is not None


def test_the_file_must_be_a_database(tmp_path: Path) -> None:
    (tmp_path / "accounts.db").write_bytes(b"this is a poem, and a long one at that" * 100)
    with pytest.raises(DataFolderError, match="writable SQLite database"), AuthDatabase(tmp_path / "accounts.db"):
        pass


def test_the_data_folder_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    limits = SessionLimits(60, 600)
    with (
        pytest.raises(DataFolderError, match="--data"),
        open_authentication(tmp_path / "data", limits, ManualClock()),
    ):
        pass


def test_a_table_that_vanishes_is_a_typed_error(accounts: Accounts, tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "accounts.db")
    raw.execute("DROP TABLE accounts")
    raw.close()
    with pytest.raises(AccountsUnavailableError):
        accounts.all()


def test_tickets_are_bounded_and_the_oldest_gives_way() -> None:
    tickets = Tickets(ManualClock(), max_open=3)
    issued = [tickets.issue(f"session {number}") for number in range(4)]
    assert len(set(issued)) == 4
    with pytest.raises(TicketError):
        tickets.redeem(issued[0])
    assert [tickets.redeem(each) for each in issued[1:]] == ["session 1", "session 2", "session 3"]


def test_waits_double_up_to_the_longest_and_are_forgotten() -> None:
    clock = ManualClock()
    throttle = LoginThrottle(clock, ThrottleLimits(per_user=1, per_address=1000))
    throttle.begin("mei", "192.0.2.1")
    waits = []
    for _ in range(12):
        with pytest.raises(AuthThrottledError) as refusal:
            throttle.begin("mei", "192.0.2.1")
        waits.append(refusal.value.retry_after_s)
        clock.advance(refusal.value.retry_after_s)
        throttle.begin("mei", "192.0.2.1")
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    clock.advance(FORGET_S)
    throttle.begin("mei", "192.0.2.1")


def test_one_ipv6_subscriber_is_one_address() -> None:
    throttle = LoginThrottle(ManualClock(), ThrottleLimits(per_user=1000, per_address=2))
    throttle.begin("a1", "2001:db8:1:2::1")
    throttle.begin("a2", "2001:db8:1:2:ffff::9")
    with pytest.raises(AuthThrottledError):
        throttle.begin("a3", "2001:db8:1:2::3")
    throttle.begin("a4", "2001:db8:1:3::1")
    throttle.begin("a5", "no address at all")


def test_the_table_of_attempts_is_bounded() -> None:
    throttle = LoginThrottle(ManualClock(), ThrottleLimits(per_user=1, per_address=10_000), max_entries=100)
    for number in range(5_000):
        throttle.begin(f"user{number}", "192.0.2.1")
    assert len(throttle) <= 100
