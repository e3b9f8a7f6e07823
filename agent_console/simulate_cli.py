"""`warmline simulate …`: try a set-up out before anybody has to live with it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from routing.desk.scenario import Crew, Kind, Scenario, Spread
from routing.desk.terms import SkillLevel
from voice.contracts.errors import SettingsError

if TYPE_CHECKING:
    from routing.desk.config import DeskConfig
    from routing.desk.tally import Interval, Tally

app = typer.Typer(help="Simulate, without audio, on a virtual clock.", no_args_is_help=True, add_completion=False)

DIFFERENCES = {
    "arrivals_vary": "来电率随时间变化 / arrivals vary over the day (theory takes each stretch by itself)",
    "lengths_not_exponential": "通话时长非指数分布 / lengths of calls are not exponential",
    "priorities_differ": "优先级不同 / priorities differ (theory serves in order of coming)",
    "skills_differ": "技能或语言不同 / skills or languages differ (theory has one pool of agents)",
    "offers_fail": "有拒接或未应答 / offers are declined or not answered",
    "answering_takes_time": "应答需要时间 / answering takes time",
}


@app.callback()
def simulate() -> None:
    """Take the name of what is simulated as a command of its own."""


@app.command(
    epilog="Example: warmline simulate desk --arrivals 60,150,90 --agents 12 --hours 9 --aht 240 --patience 180 "
    "--priorities 0:0.8,80:0.2 --runs 20"
)
def desk(
    arrivals: Annotated[str, typer.Option(help="Callers per hour; several figures for stretches of equal length.")],
    agents: Annotated[int, typer.Option(min=1, max=5_000, help="How many agents are there.")],
    hours: Annotated[float, typer.Option(min=0.1, max=1_000, help="For how long callers come.")] = 8.0,
    aht: Annotated[float, typer.Option(min=1, help="Mean length of a call in seconds.")] = 240.0,
    spread: Annotated[Spread, typer.Option(help="How lengths are distributed.")] = Spread.EXPONENTIAL,
    wrap_up: Annotated[float, typer.Option(min=0, help="After-call work in seconds, for every call.")] = 0.0,
    patience: Annotated[
        float, typer.Option(min=0, help="Mean time in seconds after which waiting callers hang up; 0 for never.")
    ] = 0.0,
    priorities: Annotated[str, typer.Option(help="PRIORITY:SHARE,… of the callers.")] = "0:1",
    policy: Annotated[
        Path | None,
        typer.Option(help="Have a policy file decide who of an assumed clientele needs a human, and how urgently."),
    ] = None,
    skill: Annotated[
        list[str] | None,
        typer.Option(help="SKILL:SHARE:AGENTS: that share of callers wants it, so many agents have it. Repeatable."),
    ] = None,
    answer: Annotated[float, typer.Option(min=0, help="Seconds an agent takes to accept.")] = 0.0,
    declined: Annotated[float, typer.Option(min=0, max=0.9, help="Share of offers that agents decline.")] = 0.0,
    unanswered: Annotated[float, typer.Option(min=0, max=0.9, help="Share of offers nobody answers.")] = 0.0,
    target: Annotated[float, typer.Option(min=1, help="The service level's threshold in seconds.")] = 20.0,
    runs: Annotated[int, typer.Option(min=1, max=1_000, help="Days to simulate; they make the interval.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first day; the others follow.")] = 0,
    ageing: Annotated[float | None, typer.Option(min=0.1, help="Points a minute, instead of the file's.")] = None,
    desk_file: Annotated[Path | None, typer.Option("--desk", help="Desk file; without it the one that ships.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Have every decision checked (three times as slow).")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Run the desk through simulated days, and set beside it what queueing theory expects.

    It is the desk that serves, with its file and, if wanted, a policy; only the clock is virtual. Printed are the
    service level (share of all callers answered within --target), abandonment, occupancy and mean wait, each with its
    95 % interval over the days; the waits by priority; and how good the waits were that callers were told.

    The waiting are served by priority with ageing, as the desk file says. Beside the figures stands Erlang C where
    callers wait for ever, Erlang A where they give up; where their assumptions do not hold, that is said.
    """
    from routing.desk.clientele import kinds_by_policy
    from routing.desk.file import DEFAULT_DESK, load_desk
    from routing.desk.simulation import Simulation
    from routing.desk.tally import tally
    from routing.desk.witness import Witness
    from routing.policy.file import load_policy

    config = _config(load_desk(desk_file or DEFAULT_DESK), wrap_up, ageing)
    rates = _rates(arrivals)
    kinds = tuple(Kind(share=share, priority=priority) for priority, share in _priorities(priorities))
    if policy is not None:
        kinds, share = kinds_by_policy(load_policy(policy))
        rates = tuple(rate * share for rate in rates)
        if not json_output:
            Terminal(stderr=True).print(f"策略转人工 / the policy sends {share:.0%} of the callers to a human")
    kinds, crews = _people(kinds, skill or [], agents, config)
    if not kinds:
        raise SettingsError("The policy sends nobody to a human; there is nothing to simulate.")
    scenario = Scenario(
        arrivals=rates,
        hours=hours,
        crews=crews,
        handle_s=aht,
        spread=spread,
        patience_s=patience or None,
        kinds=kinds,
        answer_s=answer,
        declined=declined,
        unanswered=unanswered,
    )
    days = []
    with _progress(hidden=json_output) as progress:
        for day in progress.track(range(runs), description="days"):
            witness = Witness(config) if check else None
            days.append(Simulation(config, scenario, seed + day, witness).run())
    result = tally(days, within_s=target, busy_s=aht + wrap_up + answer)
    if json_output:
        Terminal().print_json(data=_document(result, scenario, config, target, seed))
    else:
        _show(result, target)


def _config(config: DeskConfig, wrap_up: float, ageing: float | None) -> DeskConfig:
    """The file's set-up, less what a simulated day has none of: consoles that must show life, and closing time."""
    queues = {
        name: replace(queue, wrap_up_s=wrap_up, hours=None, ageing=ageing or queue.ageing)
        for name, queue in config.queues.items()
    }
    return replace(config, lease_s=0.0, queues=queues, agents={})


def _rates(text: str) -> tuple[float, ...]:
    try:
        rates = tuple(float(one) for one in text.split(","))
    except ValueError:
        rates = ()
    if not rates or not all(0 <= rate <= 1_000_000 for rate in rates) or not any(rates):
        raise SettingsError(
            f"--arrivals takes callers per hour, for example 60,120,90; got {text!r}.", fix="Separate by commas."
        )
    return rates


def _people(
    kinds: tuple[Kind, ...], skills: list[str], agents: int, config: DeskConfig
) -> tuple[tuple[Kind, ...], tuple[Crew, ...]]:
    crews: tuple[Crew, ...] = (Crew(agents),)
    for text in skills:
        name, share, able = _skill(text, config)
        if able > agents:
            raise SettingsError(f"--skill {text}: expected at most {agents} agents; got {able}.")
        wanted = (SkillLevel(name, 1),)
        kinds = tuple(
            one
            for kind in kinds
            for one in (
                replace(kind, share=kind.share * (1 - share)),
                replace(kind, share=kind.share * share, skills=tuple(sorted((*kind.skills, *wanted)))),
            )
            if one.share > 0
        )
        crews = _spread_skill(crews, wanted[0], able)
    return kinds, crews


def _spread_skill(crews: tuple[Crew, ...], skill: SkillLevel, able: int) -> tuple[Crew, ...]:
    """Give a skill to the first `able` agents."""
    found: list[Crew] = []
    for crew in crews:
        have = min(able, crew.count)
        able -= have
        if have:
            found.append(replace(crew, count=have, skills=tuple(sorted((*crew.skills, skill)))))
        if crew.count > have:
            found.append(replace(crew, count=crew.count - have))
    return tuple(found)


def _priorities(text: str) -> list[tuple[int, float]]:
    found = []
    for part in text.split(","):
        priority, _, share = part.partition(":")
        try:
            found.append((int(priority), float(share or 1)))
        except ValueError:
            found = [(-1, 0.0)]
            break
    if not all(0 <= priority <= 99 and 0 < share < 1e6 for priority, share in found):
        raise SettingsError(f"--priorities takes PRIORITY:SHARE,… with priorities 0 to 99; got {text!r}.")
    return found


def _skill(text: str, config: DeskConfig) -> tuple[str, float, int]:
    name, _, rest = text.partition(":")
    share, _, able = rest.partition(":")
    try:
        found = name, float(share), int(able)
    except ValueError:
        raise SettingsError(f"--skill takes SKILL:SHARE:AGENTS, for example refund:0.2:5; got {text!r}.") from None
    if name not in config.skills:
        known = ", ".join(sorted(config.skills)) or "none"
        raise SettingsError(f"--skill {text}: no skill {name!r} is known; known here: {known}.")
    if not 0 <= found[1] <= 1 or found[2] < 0:
        raise SettingsError(f"--skill {text}: a share is 0 to 1, and agents are counted from 0.")
    return found


def _progress(*, hidden: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Terminal(stderr=True), transient=True, disable=hidden)


def _document(result: Tally, scenario: Scenario, config: DeskConfig, target: float, seed: int) -> dict[str, Any]:
    infinite = result.expected.mean_wait_s == float("inf")
    expected = asdict(result.expected) | ({"mean_wait_s": None} if infinite else {})
    return asdict(result) | {
        "expected": {"model": "erlang_c" if scenario.patience_s is None else "erlang_a", **expected},
        "target_s": target,
        "seed": seed,
        "desk_version": config.version,
    }


def _show(result: Tally, target: float) -> None:
    terminal = Terminal()
    model = "Erlang A" if result.expected.abandoned else "Erlang C"
    table = Table("", "模拟 / simulated", "95 %", model, title=f"{result.days} days, {result.callers} callers")
    rows = (
        (f"{target:g} s 内应答率 / answered within {target:g} s", result.service_level, result.expected.service_level),
        ("放弃率 / gave up", result.abandoned, result.expected.abandoned),
        ("坐席占用率 / occupancy", result.occupancy, result.expected.occupancy),
    )
    for name, found, theory in rows:
        table.add_row(name, f"{found.mean:.1%}", _range(found, "{:.1%}"), f"{theory:.1%}")
    wait = result.wait_s
    table.add_row(
        "平均等待 / mean wait", f"{wait.mean:.1f} s", _range(wait, "{:.1f}"), f"{result.expected.mean_wait_s:.1f} s"
    )
    terminal.print(table)
    waits = Table(
        "优先级 / priority", "来电 / callers", "mean", "p50", "p90", "p95", "p99", "max", title="等待 / wait, s"
    )
    for one in result.waits:
        figures = (one.mean_s, one.p50_s, one.p90_s, one.p95_s, one.p99_s, one.max_s)
        waits.add_row(str(one.priority), str(one.callers), *(f"{figure:.0f}" for figure in figures))
    terminal.print(waits)
    if result.promises is not None:
        terminal.print(
            f"预计等待 / expected wait as told to {result.promises.callers} who waited and were answered: off by "
            f"{result.promises.error_s:.0f} s on average (bias {result.promises.bias_s:+.0f} s), right within 30 s or "
            f"a quarter for {result.promises.right:.0%}.",
            highlight=False,
        )
    for code in result.unlike:
        terminal.print(f"与理论不同 / unlike theory: {DIFFERENCES[code]}", highlight=False)


def _range(interval: Interval, form: str) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"{form.format(interval.low)} – {form.format(interval.high)}"
