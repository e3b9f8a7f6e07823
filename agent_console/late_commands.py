"""Commands whose module is read when they are asked for, so that none pays for the imports of another."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer.main
from typer.core import TyperCommand, TyperGroup

LATE: Final = {
    "replay": "Run recordings through the live pipeline and show the words, the tone and the decisions.",
    "prosody": "Measure a voice utterance by utterance: F0, level, rate, voice quality, formants, arousal.",
    "diarize": "Tell who speaks when in a mono recording, who calls and who serves.",
    "models": "Recognition models: what there is, fetching, checking.",
    "users": "Accounts: who may sign in to the console.",
    "bench": "Measure here. Every benchmark prints the same kind of document: figures with unit, target and range.",
    "evaluate": "Measure quality on labelled recordings: a list of JSON lines, audio paths relative to it.",
    "train": "Train on data of yours. Every version is kept; which one is in force takes effect at the next start.",
    "simulate": "Simulate, without audio, on a virtual clock.",
    "audit": "The audit log: every decision and every human override.",
    "policy": "The routing policy: who serves a caller, and how urgently.",
    "sip": "Telephone calls over SIP.",
}
"""The commands in the order of `--help`, and what it says of them: how their own help begins.

Each is `app` in `agent_console.NAME_cli`; there `add_completion` is off, because the root command has it.
"""


class LateCommand(TyperCommand):
    """Stands for a command until it is called; its own help, options and commands are the real one's."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Begin the real command; what the library makes of it from here on is no longer this one."""
        return load(str(self.name)).make_context(*args, **extra)


class Commands(TyperGroup):
    """The root command: what it was given, then the late ones."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, text in LATE.items():
            self.add_command(LateCommand(name, help=text))


def load(name: str) -> Any:
    """The command of that name, its module read.

    Raises:
        KeyError: no late command has that name.
    """
    if name not in LATE:
        raise KeyError(name)
    command = typer.main.get_command(import_module(f"agent_console.{name}_cli").app)
    command.name = name
    return command
