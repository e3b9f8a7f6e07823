"""`warmline train …`: models of this installation's own data; every version is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console as Terminal

from agent_console.evaluation_output import print_findings, showing_progress
from agent_console.prosody_options import Lang

app = typer.Typer(
    help="Train on data of yours. Every version is kept; which one is in force takes effect at the next start.",
    no_args_is_help=True,
    add_completion=False,
)

DataFolder = Annotated[Path | None, typer.Option("--store", help="Data folder; versions are kept below it.")]


@app.callback()
def train() -> None:
    """Take the name of what is trained as a command of its own."""


@app.command(epilog="Example: warmline train intent --data our-utterances --json > training.json")
def intent(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with utterances of yours beside those that ship: zh-shop.yaml holds `logistics:` and below it "
            "`- 我的货到哪了`. Each file is one author on one field, and is held out as a whole to measure."
        ),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    only_store: Annotated[
        bool, typer.Option("--only-store", help="Keep the new version and leave the one in force where it is.")
    ] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder that holds the sentence encoder.")] = None,
    store: DataFolder = None,
    lang: Annotated[Lang, typer.Option(help="Language of the tables.")] = Lang.EN,
) -> None:
    """Train what tells callers' needs; prints figures before and after (minutes; needs scikit-learn)."""
    from agent_console.intent_model import WITHOUT_ENCODER
    from agent_console.intent_report import training_document, training_tables
    from agent_console.intent_training import train_intent
    from agent_console.settings import Settings

    settings = Settings.load(models=models, data=store)
    with showing_progress() as progress:
        done = train_intent(settings, data, progress, put_in_force=not only_store)
    heads = (done.before, done.after, done.unseen)
    notes = [WITHOUT_ENCODER] if done.without_encoder else []
    notes.append(f"{done.stored} is stored" + (" and in force from the next start on." if done.in_force else "."))
    print_findings(
        training_document(*heads, stored=done.stored, in_force=done.in_force)
        if json_output
        else training_tables(*heads, lang),
        notes,
    )


@app.command("list")
def list_all(
    json_output: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False, store: DataFolder = None
) -> None:
    """List the versions of the intent model, the one in force marked."""
    from agent_console.intent_model import intent_versions
    from agent_console.settings import Settings

    versions = intent_versions(Settings.load(data=store).data)
    current = versions.current()
    terminal = Terminal()
    if json_output:
        terminal.print_json(data={"versions": list(versions.versions()), "current": current})
        return
    for version in versions.versions():
        terminal.print(f"{'●' if version == current else ' '} {version}", highlight=False)


@app.command(epilog="Example: warmline train use shipped")
def use(
    version: Annotated[str, typer.Argument(help="A version of `warmline train list`, or shipped.")],
    store: DataFolder = None,
) -> None:
    """Put a version of the intent model in force, for example the one before."""
    from agent_console.intent_model import intent_versions
    from agent_console.settings import Settings

    before = intent_versions(Settings.load(data=store).data).use(version)
    Terminal(stderr=True).print(f"{version} is in force from the next start on; before: {before}.", highlight=False)
