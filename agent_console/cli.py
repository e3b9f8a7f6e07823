"""The `warmline` command."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console as Terminal
from rich.markup import escape
from rich.table import Table

from agent_console import (
    audit_cli,
    bench_cli,
    diarize_cli,
    evaluate_cli,
    models_cli,
    policy_cli,
    prosody_cli,
    simulate_cli,
    sip_cli,
    train_cli,
    users_cli,
)
from agent_console.exit_codes import ExitCode, exit_code
from agent_console.settings import LogLevel, Settings
from asr.types import Language
from voice.contracts.errors import SettingsError, WarmlineError

EPILOG = (
    "Exit codes: 0 fine, 1 something was found wrong, 2 usage or settings, 3 model, 4 audio, 5 policy, "
    "6 port or data folder, 7 anything else."
)

app = typer.Typer(
    help="Warmline, the open voice contact center: live words and tone, and a warm start for the human who takes over.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config = typer.Typer(help="Settings: what there is, what is in force, and where it comes from.", no_args_is_help=True)
app.add_typer(config, name="config")
app.add_typer(models_cli.app, name="models")
app.add_typer(users_cli.app, name="users")
app.add_typer(bench_cli.app, name="bench")
app.add_typer(evaluate_cli.app, name="evaluate")
app.add_typer(train_cli.app, name="train")
app.add_typer(simulate_cli.app, name="simulate")
app.add_typer(audit_cli.app, name="audit")
app.add_typer(policy_cli.app, name="policy")
app.add_typer(sip_cli.app, name="sip")
app.command("prosody", epilog=prosody_cli.EPILOG)(prosody_cli.prosody)
app.command("diarize", epilog=diarize_cli.EPILOG)(diarize_cli.diarize)

SettingsFile = Annotated[
    Path | None, typer.Option("--config", help="Settings file; without it warmline.toml in this folder, if there.")
]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Folder for journal, recordings and accounts.")]
ModelsFolder = Annotated[Path | None, typer.Option("--models", help="Folder that holds the recognition models.")]
Engine = Annotated[str | None, typer.Option(help="Recognition engine: auto, whisper, vosk or fake.")]
Vad = Annotated[str | None, typer.Option(help="Voice activity detector: silero or webrtc.")]
PolicyOption = Annotated[Path | None, typer.Option("--policy", help="Routing policy; without it the one that ships.")]


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
    from agent_console.serving import serve_until_stopped

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
    _set_up_logging(settings.log_level)
    anyio.run(partial(serve_until_stopped, settings, Terminal(stderr=True), demo=demo))


@app.command(epilog="Example: warmline replay samples/calls/* --jsonl > events.jsonl")
def replay(
    files: Annotated[list[Path], typer.Argument(help="Audio files, or folders with audio.wav and call.json.")],
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one event per line and nothing else.")] = False,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="1 is real pace; without it as fast as possible.")
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="What is spoken, where the call's folder does not say.")
    ] = None,
    config_file: SettingsFile = None,
    models: ModelsFolder = None,
    engine: Engine = None,
    vad: Vad = None,
    policy: PolicyOption = None,
    diarize: Annotated[
        bool, typer.Option("--diarize", help="Tell the speakers of mono recordings apart first (extra diarize).")
    ] = False,
    speakers: diarize_cli.Speakers = None,
    caller: diarize_cli.Caller = None,
    pipeline: diarize_cli.Pipeline = None,
) -> None:
    """Run recordings through the live pipeline and show the words, the tone and the decisions."""
    from agent_console.diarized_replay import DiarizeOptions
    from agent_console.replaying import replay_all

    if not diarize and (speakers is not None or caller is not None or pipeline is not None):
        raise SettingsError("--speakers, --caller and --pipeline say how to diarize.", fix="Add --diarize.")
    settings = Settings.load(file=config_file, models=models, engine=engine, vad=vad, policy=policy)
    _set_up_logging(LogLevel.WARNING)
    wanted = DiarizeOptions(pipeline, speakers, caller) if diarize else None
    anyio.run(partial(replay_all, files, settings, jsonl=jsonl, speed=speed, language=language, diarize=wanted))


@app.command()
def doctor(
    json_output: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    config_file: SettingsFile = None,
    data: DataFolder = None,
    models: ModelsFolder = None,
) -> None:
    """Check this machine: models, web app, data folder, port, policy, audio libraries."""
    from agent_console.doctor import examine, show

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


def _set_up_logging(level: LogLevel) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # They say every candidate or request at INFO; what matters of a call stands in its log.
    for chatty in ("aioice", "aiortc", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
