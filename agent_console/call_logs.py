"""The logs of calls that the command line is asked about: from a data folder's journal, or from files of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import anyio

from agent_console.wiring import JOURNAL
from routing.events import Stamped
from routing.journal.sqlite import SqliteJournal
from routing.wire import decode_line
from voice.contracts.audio import CallId
from voice.contracts.errors import EventError, SettingsError, UnknownCallError

Logs: TypeAlias = list[tuple[CallId, list[Stamped]]]

MAX_FILE_BYTES: Final = 500_000_000
"""Largest file of events that is read: some thousand calls."""


def read_logs(names: Sequence[str], data: Path, *, last: int = 0) -> Logs:
    """The logs of calls, in the order they are named.

    Args:
        names: calls by their ids, or files with one event a line, as `warmline replay --jsonl` prints them.
        data: the data folder whose journal knows the ids.
        last: so many of the journal's newest calls besides.

    Raises:
        SettingsError: a name is neither; or the journal is asked for and is not there.
        EventError: a file holds something else than events.
        JournalUnavailableError: the journal cannot be read.
    """
    logs: Logs = []
    wanted: list[CallId] = []
    for name in names:
        path = Path(name)
        if path.is_file():
            logs += _read_file(path)
        else:
            wanted.append(CallId(name))
    if wanted or last:
        journal = data / JOURNAL
        if not journal.is_file():
            named = f"{wanted[0][:80]!r} is no file of events, and " if wanted else ""
            raise SettingsError(
                f"{named}there is no journal in {data}.",
                fix="Name the data folder with --data, or a file that `warmline replay --jsonl` wrote.",
            )
        logs += anyio.run(_read_journal, journal, wanted, last)
    return logs


def _read_file(path: Path) -> Logs:
    found: defaultdict[CallId, list[Stamped]] = defaultdict(list)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise EventError(f"{path.name}: expected at most {MAX_FILE_BYTES} bytes of events.")
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    stamped = _decode(line, path, number)
                    found[stamped.call].append(stamped)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    if not found:
        raise EventError(f"{path.name}: expected one event a line; the file is empty.")
    return list(found.items())


def _decode(line: bytes, path: Path, number: int) -> Stamped:
    try:
        return decode_line(line)
    except EventError as error:
        raise EventError(f"{path.name}, line {number}: {error}") from error


async def _read_journal(path: Path, wanted: Sequence[CallId], last: int) -> Logs:
    logs: Logs = []
    missing: CallId | None = None
    async with SqliteJournal.open(path) as journal:
        newest = [entry.call for entry in await journal.calls(limit=last)] if last else []
        for call in [*wanted, *(one for one in reversed(newest) if one not in wanted)]:
            try:
                logs.append((call, await _read_all(journal, call)))
            except UnknownCallError:
                missing = missing or call
    if missing is not None:
        raise SettingsError(
            f"{missing[:80]!r} is neither a file of events nor a call in the journal in {path.parent}.",
            fix="GET /api/calls and the console's lists show the ids of calls.",
        )
    return logs


async def _read_all(journal: SqliteJournal, call: CallId) -> list[Stamped]:
    log = list(await journal.read(call))
    while page := await journal.read(call, after=log[-1].seq):
        log += page
    return log
