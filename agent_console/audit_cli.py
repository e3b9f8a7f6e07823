"""`warmline audit …`: the log of decisions and overrides, and whether anybody touched it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal
from rich.markup import escape

from agent_console.exit_codes import ExitCode
from agent_console.settings import Settings

AUDIT_LOG = "audit.db"
"""The log's file in the data folder."""

app = typer.Typer(
    help="The audit log: every decision and every human override.", no_args_is_help=True, add_completion=False
)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder; without it the one in the settings.")]


@app.callback()
def audit() -> None:
    """Take the name of what is to be done as a command of its own."""


@app.command(epilog="Example: warmline audit verify --head 1041:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b82…")
def verify(
    head: Annotated[
        list[str] | None, typer.Option(help="What `audit head` printed once, kept elsewhere. Repeatable.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Data = None,
) -> None:
    """Check the chain from the first entry to the last, and name the first position that is broken.

    A chain shows every change but one: that its end was cut off. The file beside the log shows that as well, unless it
    was changed, too; a head that was kept elsewhere shows it in any case. Exit code 1 where something is broken.
    """
    from routing.audit import AuditHead, AuditRecord
    from routing.audit import verify as find_break
    from routing.journal.audit_log import AuditLogFile

    heads = [AuditHead.parse(text) for text in head or ()]
    count = 0
    with AuditLogFile(_path(data), existing=True) as log:
        kept = log.kept_head()

        def counted() -> Iterator[AuditRecord]:
            nonlocal count
            for record in log.records():
                count += 1
                yield record

        found = find_break(counted(), [*heads, *([kept] if kept else [])])
    if json_output:
        broken = None if found is None else {"position": found.position, "problem": found.problem}
        Terminal().print_json(data={"whole": found is None, "entries": count, "broken": broken})
    elif found is None:
        Terminal().print(f"完整 / whole: {count} entries")
        if not kept and not heads:
            Terminal().print("没有可比对的末端记录 / no head to compare with: a cut end would not be noticed")
    else:
        Terminal().print(f"第 {found.position} 条被破坏 / broken at position {found.position}: {escape(found.problem)}")
    if found is not None:
        raise typer.Exit(ExitCode.FOUND_WRONG)


@app.command("head", epilog="Example: warmline audit head | mail -s head auditor@example.org")
def show_head(data: Data = None) -> None:
    """Print position and hash of the newest entry, to be kept where nobody here can change it."""
    from routing.audit import AuditHead
    from routing.journal.audit_log import AuditLogFile

    newest = None
    with AuditLogFile(_path(data), existing=True) as log:
        for record in log.records():
            newest = AuditHead(record.position, record.hash)
    typer.echo("" if newest is None else str(newest))


@app.command(epilog="Example: warmline audit export --call c-20261122-080000-ab12cd > entries.jsonl")
def export(
    call: Annotated[str | None, typer.Option(help="Entries about this call alone.")] = None,
    kind: Annotated[str | None, typer.Option(help="decision, assignment or override.")] = None,
    data: Data = None,
) -> None:
    """Print entries as lines of JSON, each with its hash; without a choice all of them, which `sha256` can check."""
    from routing.audit import AuditKind
    from routing.journal.audit_log import AuditLogFile
    from voice.contracts.errors import SettingsError

    if kind is not None and kind not in frozenset(AuditKind):
        raise SettingsError(f"--kind is one of {', '.join(AuditKind)}; got {kind!r}.")
    with AuditLogFile(_path(data), existing=True) as log:
        for record in log.records():
            entry = record.entry()
            if (call is None or entry.get("subject") == call) and (kind is None or entry.get("kind") == kind):
                sys.stdout.write(f'{{"entry":{record.body},"hash":"{record.hash}"}}\n')


def _path(data: Path | None) -> Path:
    return Settings.load(data=data).data / AUDIT_LOG
