"""`warmline policy …`: check a policy, explain what it decided, and see what another would have decided."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console as Terminal
from rich.markup import escape

from agent_console.exit_codes import ExitCode
from agent_console.settings import Settings

if TYPE_CHECKING:
    from routing.desk.config import DeskConfig
    from routing.document import Problem
    from routing.policy.archive import PolicyArchive
    from routing.policy.rules import Policy

app = typer.Typer(
    help="The routing policy: who serves a caller, and how urgently.\n\n"
    "A policy is a YAML file of rules over what is known of a call: what callers say (intent, sentiment, a wish for a "
    "person, the same question again), how they sound (arousal, valence, their trend, risk), who they are (tier, "
    "language, channel), and how things stand (queues, waiting time, hour, weekday, collaboration mode). "
    "routing/policy/README.md explains every condition and action, routing/policy/default.yaml is the one that ships.",
    no_args_is_help=True,
    add_completion=False,
)

RECORDED = {"recorded": "已录音 / recorded", "written": "仅文字 / in writing only"}
Data = Annotated[Path | None, typer.Option("--data", help="Data folder whose journal knows the calls.")]
DeskFile = Annotated[Path | None, typer.Option("--desk", help="Desk file whose queues and skills may be named.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Named = Annotated[
    list[str] | None,
    typer.Argument(help="Calls by their ids in the journal, or files that `warmline replay --jsonl` wrote."),
]


@app.callback()
def policy() -> None:
    """Take the name of what is to be done as a command of its own."""


@app.command(epilog="Example: warmline policy check my-policy.yaml --desk my-desk.yaml")
def check(
    file: Annotated[Path, typer.Argument(help="The policy file.")],
    desk: DeskFile = None,
    json_output: AsJson = False,
) -> None:
    """Check a policy: every problem with its line and, where a name is not known, the one that was meant.

    Exit code 0 where it may be put in force, 5 where not. A running server checks likewise before it takes a changed
    file over, and keeps the old policy where the new one is broken.

    What a rule announces is read on the caller's page. It is heard as well where it is recorded: in the folder
    announcements beside the policy file, zh/RULE.wav and en/RULE.wav (or .flac, .opus, .mp3), a minute at most.
    """
    from routing.document import read_file
    from routing.policy.checks import find_problems
    from routing.policy.file import compile_policy, names_of
    from voice.contracts.errors import PolicyError

    names = names_of(_desk(desk))
    problems: list[Problem] = []
    unreadable: PolicyError | None = None
    found: Policy | None = None
    try:
        document = read_file(file, error=PolicyError)
        problems = find_problems(document, names)
        found = None if problems else compile_policy(document, names)
    except PolicyError as error:
        unreadable = error
    if json_output:
        listed = [asdict(one) for one in problems]
        if unreadable is not None:
            listed.append({"line": None, "field": "", "message": str(unreadable.args[0]), "fix": unreadable.fix})
        summary = None if found is None else _describe(found)
        spoken = [] if found is None else _announcements(found, file)
        Terminal().print_json(
            data={"valid": found is not None, "policy": summary, "problems": listed, "announcements": spoken}
        )
    elif found is not None:
        about = _describe(found)
        Terminal().print(
            f"有效 / valid: {escape(found.title.zh)} / {escape(found.title.en)}, {found.version}, "
            f"{about['rules']} rules, {about['tiers']} tiers, {about['modes']} mode rules",
            highlight=False,
        )
        for made in _announcements(found, file):
            clips = ", ".join(f"{spoken}: {RECORDED.get(made[spoken], made[spoken])}" for spoken in ("zh", "en"))
            Terminal().print(f"  播报 / announces: {made['rule']}: {escape(clips)}", highlight=False, soft_wrap=True)
    elif unreadable is not None:
        raise unreadable
    else:
        terminal = Terminal(stderr=True)
        for one in problems:
            terminal.print(f"[bold red]{escape(file.name)}[/] {escape(str(one))} {escape(one.fix)}", soft_wrap=True)
    if found is None:
        raise typer.Exit(ExitCode.POLICY)


@app.command(epilog="Example: warmline policy explain c-20261122-080000-ab12cd")
def explain(
    calls: Annotated[list[str], typer.Argument(help="Calls by their ids in the journal, or files of events.")],
    policy_file: Annotated[
        Path | None,
        typer.Option("--policy", help="Explain by this file or kept version, instead of by the versions that decided."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the decisions that changed nothing as well, and every fact.")
    ] = False,
    data: Data = None,
    desk: DeskFile = None,
    json_output: AsJson = False,
) -> None:
    """Say why each decision of a call fell as it did.

    For every decision: the rules that took part, their conditions with the values found, the caller's words they rest
    on, and the rules that nearly took part, with what was missing. Reads the call's log; nothing is recognized again.

    Every policy that a server ever had in force is kept in its data folder (`warmline policy versions`), so that each
    decision is explained by the version that made it. Where that is not kept, the policy in the settings explains.
    """
    from agent_console.call_logs import read_logs
    from agent_console.policy_report import describe_explained, show_explained
    from routing.policy.course import read_course
    from routing.policy.explanation import explain as find_reasons

    settings = Settings.load(data=data, desk=desk)
    archive = _archive(settings)
    rules = _policy(settings, policy_file, archive)
    courses = [(call, log, read_course(log)) for call, log in read_logs(calls, settings.data)]
    versions = {taken.made.policy_version for _, _, course in courses for taken in course}
    kept = archive.read_all(versions) if policy_file is None else {}
    logs = [(call, log, find_reasons(rules, course, kept)) for call, log, course in courses]
    if json_output:
        described = [describe_explained(call, log, explained) for call, log, explained in logs]
        Terminal().print_json(data={"policy": rules.version, "calls": described})
        return
    terminal = Terminal()
    for call, log, explained in logs:
        show_explained(terminal, call, log, explained, rules.version, everything=everything)


@app.command(epilog="Example: warmline policy replay --policy new.yaml --last 200")
def replay(
    policy_file: Annotated[Path, typer.Option("--policy", help="The policy to try out: a file, or a kept version.")],
    calls: Named = None,
    last: Annotated[int, typer.Option(min=0, max=100_000, help="So many of the journal's newest calls.")] = 0,
    data: Data = None,
    desk: DeskFile = None,
    json_output: AsJson = False,
) -> None:
    """Say what another policy would have decided in calls that were: decision by decision, and in sum.

    It is asked at the same moments and shown the same facts, those of desk and hour included. What a caller would have
    said next, had somebody else served them, nobody knows; later decisions of a changed call are to be read so.
    """
    from agent_console.call_logs import read_logs
    from agent_console.policy_report import describe_differences, show_differences, show_effects
    from routing.policy.course import decide_again, read_course, sum_up
    from voice.contracts.errors import SettingsError

    if not calls and not last:
        raise SettingsError("There is nothing to replay.", fix="Name calls or files, or give --last NUMBER.")
    settings = Settings.load(data=data, desk=desk)
    rules = _policy(settings, policy_file, _archive(settings))
    logs = read_logs(calls or [], settings.data, last=last)
    found = [(call, decide_again(rules, read_course(log))) for call, log in logs]
    effects = sum_up(found)
    if json_output:
        described = [describe_differences(call, differences) for call, differences in found]
        Terminal().print_json(data={"policy": rules.version, "calls": described, "summary": asdict(effects)})
        return
    terminal = Terminal()
    for call, differences in found:
        show_differences(terminal, call, differences)
    show_effects(terminal, effects, rules.version)


@app.command(epilog="Example: warmline policy versions --show 2026.11.2+1f0c9a3e > old.yaml")
def versions(
    show: Annotated[str | None, typer.Option(help="Print the text of this version, as it was written.")] = None,
    data: Data = None,
    json_output: AsJson = False,
) -> None:
    """List the versions of the policy that a server had in force, the newest last, or print one of them.

    A version is what the file calls itself and a hash of its content; it stands in every decision.
    """
    from voice.contracts.errors import PolicyError

    archive = _archive(Settings.load(data=data))
    if show is not None:
        path = archive.find(show)
        if path is None:
            raise PolicyError(
                f"No version {show[:80]!r} is kept in {archive.folder}.", fix="`warmline policy versions` lists them."
            )
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    named = archive.versions()
    kept = archive.read_all(named)
    if json_output:
        listed = [_describe(kept[one]) if one in kept else {"version": one} for one in named]
        Terminal().print_json(data={"versions": listed})
        return
    for one in named:
        title = f"{kept[one].title.zh} / {kept[one].title.en}" if one in kept else "无法读取 / cannot be read"
        Terminal().print(f"[bold]{escape(one)}[/] {escape(title)}", highlight=False, soft_wrap=True)
    if not named:
        Terminal(stderr=True).print("尚无版本 / no version is kept yet")


@app.command(epilog="Example: warmline policy schema > policy.schema.json")
def schema() -> None:
    """Print the JSON schema of policy files, for editors that check and complete while one writes."""
    from routing.policy.checks import schema_text

    typer.echo(json.dumps(json.loads(schema_text()), indent=2, ensure_ascii=False))


def _desk(file: Path | None) -> DeskConfig:
    from routing.desk.file import DEFAULT_DESK, load_desk

    settings = Settings.load(desk=file)
    return load_desk(settings.desk or DEFAULT_DESK, zone=settings.zone)


def _archive(settings: Settings) -> PolicyArchive:
    from routing.policy.archive import FOLDER, PolicyArchive

    return PolicyArchive(settings.data / FOLDER)


def _policy(settings: Settings, named: Path | None, archive: PolicyArchive) -> Policy:
    """The policy of that file or of that kept version; that of the settings where none is named."""
    from routing.policy.file import DEFAULT_POLICY, load_policy

    if named is not None and not named.exists() and (kept := archive.read(str(named))) is not None:
        return kept
    return load_policy(named or settings.policy or DEFAULT_POLICY, desk=_desk(settings.desk))


def _announcements(policy: Policy, file: Path) -> list[dict[str, str]]:
    """Of every rule that announces, by language: `recorded`, `written`, or what is wrong with the recording."""
    from routing.policy.file import ANNOUNCEMENTS
    from voice.contracts.errors import PromptError
    from voice.speech.recorded import Recorded

    recorded = Recorded(file.parent / ANNOUNCEMENTS)

    def state(language: str, rule: str) -> str:
        try:
            return "written" if recorded.load(language, rule) is None else "recorded"
        except PromptError as error:
            return str(error)

    announcing = [rule.id for rule in policy.rules if rule.announce is not None]
    return [{"rule": rule, "zh": state("zh", rule), "en": state("en", rule)} for rule in announcing]


def _describe(policy: Policy) -> dict[str, object]:
    return {
        "version": policy.version,
        "title": asdict(policy.title),
        "rules": len(policy.rules),
        "tiers": len(policy.tiers),
        "modes": len(policy.modes),
    }
