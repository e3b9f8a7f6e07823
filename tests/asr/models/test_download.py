"""A download is whole or not there, and goes on where it broke off, on a real server on this machine."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asr.models.download import ATTEMPTS, PAUSE_S, download
from voice.contracts.errors import ModelFetchError

if TYPE_CHECKING:
    from tests.asr.models.conftest import Site

BODY = bytes(range(256)) * 1200
CUT = 150_000


class Pauses(list[float]):
    """Records pauses instead of waiting."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "model.zip"


def test_a_file_comes_with_progress(site: Site, target: Path) -> None:
    site.files["/m.zip"] = BODY
    told: list[tuple[int, int | None]] = []
    download(f"{site.url}/m.zip", target, lambda done, total: told.append((done, total)))
    assert target.read_bytes() == BODY
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [p.name for p in target.parent.iterdir()] == ["model.zip"], "no trace of the partial file"


@pytest.mark.parametrize("abrupt", [False, True], ids=["closed", "reset"])
def test_a_broken_connection_is_gone_on_with(site: Site, target: Path, abrupt: bool) -> None:
    site.files["/m.zip"] = BODY
    site.cut_after, site.abrupt = [CUT, CUT], abrupt
    pauses = Pauses()
    download(f"{site.url}/m.zip", target, pause=pauses)
    assert target.read_bytes() == BODY
    assert pauses == [PAUSE_S, 2 * PAUSE_S]
    assert site.requests[0][1] is None
    resumed = [asked for _, asked in site.requests[1:] if asked]
    assert len(resumed) == 2 if not abrupt else len(resumed) >= 1  # a reset may discard what was on its way


def test_what_an_earlier_run_left_is_gone_on_with(site: Site, target: Path) -> None:
    site.files["/m.zip"] = BODY
    site.cut_after = [CUT, 0, 0, 0]
    with pytest.raises(ModelFetchError, match=f"in {ATTEMPTS} tries"):
        download(f"{site.url}/m.zip", target, pause=Pauses())
    assert not target.exists(), "a partial file never passes for the whole one"
    site.requests.clear()
    download(f"{site.url}/m.zip", target)
    assert target.read_bytes() == BODY
    assert site.requests == [("/m.zip", f"bytes={CUT}-")]


def test_a_file_that_changed_meanwhile_begins_anew(site: Site, target: Path) -> None:
    site.files["/m.zip"] = BODY
    site.cut_after = [CUT, 0, 0, 0]
    with pytest.raises(ModelFetchError):
        download(f"{site.url}/m.zip", target, pause=Pauses())
    site.files["/m.zip"], site.tag = BODY[::-1], '"v2"'
    download(f"{site.url}/m.zip", target)
    assert target.read_bytes() == BODY[::-1]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_resumed(site: Site, target: Path, tag: str) -> None:
    site.files["/m.zip"], site.tag, site.cut_after = BODY, tag, [CUT]
    download(f"{site.url}/m.zip", target, pause=Pauses())
    assert target.read_bytes() == BODY
    assert [asked for _, asked in site.requests] == [None, None]


def test_a_server_that_cannot_resume_begins_anew(site: Site, target: Path) -> None:
    site.files["/m.zip"], site.ranges, site.cut_after = BODY, False, [CUT]
    download(f"{site.url}/m.zip", target, pause=Pauses())
    assert target.read_bytes() == BODY


def test_an_unknown_length_is_taken_until_the_end(site: Site, target: Path) -> None:
    site.files["/m.zip"], site.length = BODY, False
    told: list[int | None] = []
    download(f"{site.url}/m.zip", target, lambda _done, total: told.append(total))
    assert target.read_bytes() == BODY
    assert set(told) == {None}


def test_a_missing_file_is_told_at_once(site: Site, target: Path) -> None:
    with pytest.raises(ModelFetchError, match=r"404.*--from"):
        download(f"{site.url}/none.zip", target)
    assert len(site.requests) == 1
    assert list(target.parent.iterdir()) == []


def test_a_busy_server_is_tried_again(site: Site, target: Path) -> None:
    site.files["/m.zip"], site.statuses = BODY, [503, 429]
    download(f"{site.url}/m.zip", target, pause=Pauses())
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("length", [True, False], ids=["announced", "unannounced"])
def test_too_large_a_file_is_refused(site: Site, target: Path, length: bool) -> None:
    site.files["/m.zip"], site.length = BODY, length
    with pytest.raises(ModelFetchError, match="1000"):
        download(f"{site.url}/m.zip", target, max_bytes=1000)
    assert not target.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/m.zip",
        "ftp://example.org/m.zip",
        "file:///etc/passwd",
        "https://",
        "m.zip",
        "http://10.0.0.1/",
    ],
)
def test_other_addresses_are_refused(url: str, target: Path) -> None:
    with pytest.raises(ModelFetchError, match="over https"):
        download(url, target)


@pytest.mark.parametrize("to", ["http://example.org/m.zip", "file:///etc/passwd", "ftp://127.0.0.1/m.zip"])
def test_a_redirect_may_not_leave_the_rule(site: Site, target: Path, to: str) -> None:
    site.files["/m.zip"], site.redirect = BODY, to
    with pytest.raises(ModelFetchError):
        download(f"{site.url}/m.zip", target, pause=Pauses())
    assert not target.exists()


def test_nobody_there(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses = Pauses()
    with pytest.raises(ModelFetchError, match="Check the network"):
        download(f"http://127.0.0.1:{port}/m.zip", target, pause=pauses)
    assert len(pauses) == ATTEMPTS - 1


def test_a_folder_that_cannot_be_written(site: Site, tmp_path: Path) -> None:
    site.files["/m.zip"] = BODY
    with pytest.raises(ModelFetchError, match="cannot be written"):
        download(f"{site.url}/m.zip", tmp_path / "missing" / "m.zip")
