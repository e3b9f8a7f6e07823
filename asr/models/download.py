"""Fetching one file over HTTP: resumed where the server can, whole or not at all."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voice.contracts.errors import ModelFetchError

ATTEMPTS: Final = 4
"""Tries per file; each goes on where the one before broke off, if the server allows it."""

PAUSE_S: Final = 1.0
"""Pause before the second try, doubled before each further one."""

TIMEOUT_S: Final = 30.0
"""Silence of the server that counts as a broken connection."""

MAX_BYTES: Final = 8 << 30
"""Largest file that is fetched: 8 GiB."""

_BLOCK: Final = 1 << 16
_HEADERS: Final = {"User-Agent": "warmline", "Accept-Encoding": "identity"}

OnBytes = Callable[[int, int | None], None]


class _BrokenOffError(Exception):
    """The connection ended early; another try may go on."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a partial file is part of. Only a strong validator makes a resumed file trustworthy."""

    url: str
    validator: str

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"url": self.url, "validator": self.validator}), encoding="utf-8")

    @staticmethod
    def read(path: Path) -> _Mark | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(path.read_text(encoding="utf-8"))
            return _Mark(str(document["url"]), str(document["validator"]))
        return None


def download(
    url: str,
    target: Path,
    on_bytes: OnBytes = lambda _done, _total: None,
    *,
    max_bytes: int = MAX_BYTES,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch `url` to `target`. What is there of an earlier try is gone on with if the server vouches for it.

    Bytes are gathered in `target` + `.part` and renamed when all have come, so `target` is whole if it exists.

    Args:
        url: https, or http on this machine.
        target: the file to make.
        on_bytes: told bytes done and, where known, bytes in total.
        max_bytes: more are refused.
        pause: waits some seconds between tries.

    Raises:
        ModelFetchError: the address is not allowed, the server refuses, the connection breaks off each time, the file
            is too large or the disk is full. The partial file stays for the next try.
    """
    check_address(url)
    part = target.with_name(target.name + ".part")
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(PAUSE_S * 2 ** (attempt - 1))
        try:
            _attempt(url, part, on_bytes, max_bytes)
        except _BrokenOffError as error:
            broken = error
            continue
        part.replace(target)
        _mark_of(part).unlink(missing_ok=True)
        return
    raise ModelFetchError(
        f"{url} could not be fetched in {ATTEMPTS} tries: {broken}.",
        fix="Check the network and run the command again; what has come so far is kept.",
    )


def check_address(url: str) -> None:
    """Refuse what is neither https nor http on this machine.

    Raises:
        ModelFetchError: the address is of another kind.
    """
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    local = host == "localhost"
    with suppress(ValueError):
        local = local or ipaddress.ip_address(host).is_loopback
    if not host or parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not local):
        raise ModelFetchError(
            f"Models are fetched over https; got {url!r}.",
            fix="Download it yourself and give the file: --from FILE.zip",
        )


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects keep to the rule for addresses."""

    def redirect_request(  # the standard library's signature
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # passed through


def _attempt(url: str, part: Path, on_bytes: OnBytes, max_bytes: int) -> None:
    done, headers = _resume_point(url, part)
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310  # scheme checked
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                done = 0
            total = _total(answer.headers, done)
            if (total or 0) > max_bytes:
                raise ModelFetchError(f"{url} has {total} bytes; at most {max_bytes} are taken.")
            _remember(url, part, answer.headers)
            with part.open("r+b" if done else "wb") as out:
                out.seek(done)
                out.truncate()
                on_bytes(done, total)
                while block := answer.read(_BLOCK):
                    done += len(block)
                    if done > max_bytes:
                        raise ModelFetchError(f"{url} sends more than {max_bytes} bytes.")
                    out.write(block)
                    on_bytes(done, total)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(url, part, error) from error
    except urllib.error.URLError as error:
        raise _BrokenOffError(str(error.reason)) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise _BrokenOffError(type(error).__name__) from error
    except OSError as error:
        raise _disk(part, error) from error
    if total is not None and done != total:
        raise _BrokenOffError(f"{done} of {total} bytes came")


def _resume_point(url: str, part: Path) -> tuple[int, dict[str, str]]:
    mark = _Mark.read(_mark_of(part))
    have = part.stat().st_size if part.is_file() else 0
    if not have or mark is None or mark.url != url:
        return 0, dict(_HEADERS)
    return have, _HEADERS | {"Range": f"bytes={have}-", "If-Range": mark.validator}


def _remember(url: str, part: Path, headers: http.client.HTTPMessage) -> None:
    tag = headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    if validator:
        _Mark(url, validator).write(_mark_of(part))
    else:
        _mark_of(part).unlink(missing_ok=True)


def _total(headers: http.client.HTTPMessage, done: int) -> int | None:
    """Bytes of the whole file.

    Raises:
        _BrokenOffError: the server goes on at another place than asked for.
    """
    span = headers.get("Content-Range")
    if done and span is not None and not span.startswith(f"bytes {done}-"):
        raise _BrokenOffError(f"the server went on at {span!r} instead of byte {done}")
    length = headers.get("Content-Length")
    return done + int(length) if length is not None and length.isdigit() else None


def _refusal(url: str, part: Path, error: urllib.error.HTTPError) -> Exception:
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.unlink(missing_ok=True)
        return _BrokenOffError("what was there already did not fit")
    if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or error.code == http.HTTPStatus.TOO_MANY_REQUESTS:
        return _BrokenOffError(f"the server answered {error.code}")
    return ModelFetchError(
        f"{url} was refused with {error.code} {error.reason}.",
        fix="Check the address, or download the model yourself and give it: --from FOLDER_OR_ZIP",
    )


def _disk(part: Path, error: OSError) -> ModelFetchError:
    if error.errno == errno.ENOSPC:
        return ModelFetchError(f"The disk below {part.parent} is full.", fix="Free some space and run it again.")
    return ModelFetchError(f"{part} cannot be written: {error.strerror}.", fix="Check the folder's permissions.")


def _mark_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")
