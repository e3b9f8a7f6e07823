"""`warmline users …`: who may sign in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal
from rich.prompt import Prompt
from rich.table import Table

from agent_console.auth.accounts import Accounts, Role
from agent_console.auth.database import FILE_NAME, AuthDatabase
from agent_console.settings import Settings
from voice.contracts.errors import AccountError

app = typer.Typer(help="Accounts: who may sign in to the console.", no_args_is_help=True, add_completion=False)

User = Annotated[str, typer.Argument(help="Name to sign in with.")]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Folder for journal, recordings and accounts.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command(epilog="Example: warmline users add mei --role supervisor --name 梅")
def add(
    user: User,
    role: Annotated[Role, typer.Option(help="What the person does here.")] = Role.AGENT,
    name: Annotated[str | None, typer.Option(help="Name to show; the sign-in name without it.")] = None,
    password_stdin: FromStdin = False,
    data: DataFolder = None,
) -> None:
    """Create an account; asks for the password."""
    with _accounts(data) as accounts:
        account = accounts.add(user, _ask_password(from_stdin=password_stdin), role, name=name)
    Terminal(stderr=True).print(f"{account.user} may sign in now ({account.role}).")


@app.command("list")
def list_all(data: DataFolder = None) -> None:
    """List the accounts."""
    with _accounts(data) as accounts:
        found = accounts.all()
    table = Table("user", "name", "role")
    for account in found:
        table.add_row(account.user, account.name, account.role)
    Terminal().print(table)


@app.command()
def passwd(user: User, password_stdin: FromStdin = False, data: DataFolder = None) -> None:
    """Give an account another password and end its sessions."""
    with _accounts(data) as accounts:
        accounts.set_password(user, _ask_password(from_stdin=password_stdin))
    Terminal(stderr=True).print(f"{user} has a new password; open sessions have ended.")


@app.command()
def remove(user: User, data: DataFolder = None) -> None:
    """Delete an account and end its sessions."""
    with _accounts(data) as accounts:
        accounts.remove(user)
    Terminal(stderr=True).print(f"{user} is gone.")


@contextmanager
def _accounts(data: Path | None) -> Iterator[Accounts]:
    folder = Settings.load(data=data).data
    folder.mkdir(parents=True, exist_ok=True)
    with AuthDatabase(folder / FILE_NAME) as database:
        yield Accounts(database)


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = Prompt.ask("Password (at least 10 characters)", password=True)
    if Prompt.ask("Once more", password=True) != password:
        raise AccountError("The two passwords differ.")
    return password
