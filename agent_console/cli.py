"""The `warmline` command."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console as Terminal
from rich.markup import escape
from rich.table import Table

from agent_console.exit_codes import ExitCode, exit_code
from agent_console.late_commands import Commands
from agent_console.settings_options import (
    DataFolder,
    Engine,
    ModelsFolder,
    PolicyOption,
    SettingsFile,
    Vad,
)
from voice.contracts.errors import WarmlineError

EPILOG = (
    "Exit codes: 0 fine, 1 something was found wrong, 2 usage or settings, 3 model, 4 audio, 5 policy, "
    "6 port or data folder, 7 anything else."
)

app = typer.Typer(
    cls=Commands,
    help="Warmline, the open voice contact center: live words and tone, and a warm start for the human who takes over.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config = typer.Typer(help="Settings: what there is, what is in force, and where it comes from.", no_args_is_help=True)
app.add_typer(config, name="config")


@app.command(epilog="Example: warmline serve --port 9000 --engine vosk")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Play a sample call in, so that the console is alive.")] = False,
    sip: Annotated[
        str | None, typer.Option("--sip", metavar="HOST:PORT", help="Take telephone calls over SIP here, UDP and TCP.")
    ] = None,
    sip_advertised: Annotated[
        str | None, typer.Option("--sip-advertised", metavar="HOST", help="Where trunks reach us, behind NAT.")
    ] = None,
    trunks: Annotated[
        Path | None, typer.Option("--trunks", help="Who may call over SIP; without it this machine only.")
    ] = None,
    config_file: SettingsFile = None,
    data: DataFolder = None,
    models: ModelsFolder = None,
    engine: Engine = None,
    vad: Vad = None,
    policy: PolicyOption = None,
) -> None:
    """Start Warmline: callers on /call, agents on /, recorded calls on /qa."""
    from agent_console.log_output import set_up_logging
    from agent_console.serving import serve_until_stopped
    from agent_console.settings import Settings

    settings = Settings.load(
        file=config_file,
        host=host,
        port=port,
        data=data,
        models=models,
        engine=engine,
        vad=vad,
        policy=policy,
        sip=sip,
        sip_advertised=sip_advertised,
        trunks=trunks,
    )
    set_up_logging(settings.log_level)
    anyio.run(partial(serve_until_stopped, settings, Terminal(stderr=True), demo=demo))


@app.command()
def doctor(
    json_output: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    config_file: SettingsFile = None,
    data: DataFolder = None,
    models: ModelsFolder = None,
) -> None:
    """Check this machine: models, web app, data folder, port, policy, audio libraries."""
    from agent_console.doctor import examine, show
    from agent_console.settings import Settings

    findings = examine(Settings.load(file=config_file, data=data, models=models))
    show(findings, json_output=json_output)
    if any(finding.problem for finding in findings):
        raise typer.Exit(ExitCode.FOUND_WRONG)


@config.command("show")
def config_show(
    json_output: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    config_file: SettingsFile = None,
) -> None:
    """Show every setting, its value, where it comes from, and what it takes."""
    from agent_console.settings import Settings

    lines = Settings.load(file=config_file).describe()
    terminal = Terminal()
    if json_output:
        rows = {line.key: {"value": line.value, "source": line.source, "expected": line.expected} for line in lines}
        terminal.print_json(data=rows)
        return
    table = Table("setting", "value", "from", "takes")
    for line in lines:
        table.add_row(line.key, line.value, line.source, line.expected)
    terminal.print(table)


def main() -> None:
    """Run the command; a known error becomes one clear message and an exit code."""
    try:
        app()
    except* WarmlineError as group:
        error = _first(group)
        message = escape(f"[{error.code}] {error}")
        Terminal(stderr=True).print(f"[bold red]error[/] {message}", highlight=False, soft_wrap=True)
        sys.exit(exit_code(error))


def _first(group: BaseExceptionGroup[WarmlineError]) -> WarmlineError:
    """The first error inside a group of groups."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
