"""`warmline prosody FILE`: what is measured of a voice, as a table, a picture, CSV or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from agent_console.output_file import check_writable, written
from agent_console.prosody_options import Lang, Listened, PitchMethod
from voice.contracts.audio import to_s
from voice.contracts.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from agent_console.prosody_analysis import Analysis, Tracker

EPILOG: Final = "Example: warmline prosody call.wav --plot call.png --from 60 --to 90"

_EXTRA: Final = (
    'It is part of the extra "offline": pip install "warmline[offline]", or in a checkout: pip install -e ".[offline]".'
)
_FORMATS: Final = (".png", ".pdf", ".svg")

app = typer.Typer(add_completion=False)


@app.command(epilog=EPILOG)
def prosody(
    file: Annotated[
        Path,
        typer.Argument(help="Audio file, mono the caller, stereo caller left and agent right; or a sample's folder."),
    ],
    plot: Annotated[Path | None, typer.Option(help="Draw a picture: PNG, PDF or SVG.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="One row per utterance, as CSV.")] = False,
    frames: Annotated[bool, typer.Option("--frames", help="With --csv: one row per 10 ms of each utterance.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write CSV or JSON into this file.")] = None,
    party: Annotated[Listened, typer.Option(help="Whose channel; an agent's emotion is not inferred.")] = (
        Listened.CALLER
    ),
    start_s: Annotated[float, typer.Option("--from", help="Show from this second on.")] = 0.0,
    end_s: Annotated[float | None, typer.Option("--to", help="Show up to this second.")] = None,
    pitch: Annotated[PitchMethod, typer.Option(help="What follows F0: Warmline's own tracker, or librosa's pyin.")] = (
        PitchMethod.OWN
    ),
    lang: Annotated[Lang, typer.Option(help="Language of table and picture.")] = Lang.EN,
) -> None:
    """Measure a voice utterance by utterance: F0, level, rate, voice quality, formants, arousal.

    What lies before --from is heard all the same, because an utterance is judged against the speaker's earlier ones.
    """
    _check(file, plot, out, csv=csv, frames=frames, json_output=json_output)
    from agent_console import prosody_table
    from agent_console.prosody_analysis import analyse_recording
    from agent_console.recordings import find_recording
    from agent_console.settings import Settings
    from agent_console.tone_model import load_tone_model

    tracker = _find_tracker(pitch)
    file = find_recording(file).audio
    with _progress(file) as progress:
        analysis = analyse_recording(
            file,
            party=party.party,
            start_s=start_s,
            end_s=end_s,
            tracker=tracker,
            model=load_tone_model(Settings.load().tone_model),
            in_detail=plot is not None or frames,
            progress=progress,
        )
    notes = Terminal(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if plot is not None:
        _draw(analysis, plot, lang, pitch, notes)
    terminal = Terminal()
    if json_output:
        _emit(prosody_table.json_document(analysis, pitch), out)
    elif csv:
        _emit(prosody_table.frames_csv(analysis) if frames else prosody_table.utterances_csv(analysis), out)
    elif analysis.utterances:
        terminal.print(prosody_table.table(analysis, lang, terminal))
    for line in prosody_table.summary(analysis, lang):
        notes.print(line)


def _check(file: Path, plot: Path | None, out: Path | None, *, csv: bool, frames: bool, json_output: bool) -> None:
    """Refuse what cannot work before minutes are spent on it.

    Raises:
        SettingsError: options that contradict each other, or a picture of another kind.
        OutputError: a file that could not be written in the end.
        MissingExtraError: a picture is wanted and matplotlib is not there.
    """
    if csv and json_output:
        raise SettingsError("--csv and --json exclude each other.", fix="Choose one.")
    if frames and not csv:
        raise SettingsError("--frames says what the rows of --csv are.", fix="Add --csv.")
    if out is not None and not (csv or json_output):
        raise SettingsError("--out takes CSV or JSON.", fix="Add --csv or --json; a picture's file is named by --plot.")
    if plot is not None and plot.suffix.lower() not in _FORMATS:
        raise SettingsError(f"Expected a picture's name to end in {', '.join(_FORMATS)}; got {plot.name}.")
    for path in (plot, out):
        if path is not None:
            check_writable(path, file)
    if plot is not None:
        _need_matplotlib()


def _need_matplotlib() -> None:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError("A picture needs matplotlib, which is not installed.", fix=_EXTRA) from error
    del matplotlib


def _find_tracker(pitch: PitchMethod) -> Tracker | None:
    """What follows F0; None for Warmline's own.

    Raises:
        MissingExtraError: librosa is wanted and not there.
    """
    if pitch is PitchMethod.OWN:
        return None
    try:
        from prosody.pyin import track_pyin
    except ImportError as error:
        raise MissingExtraError("--pitch pyin needs librosa, which is not installed.", fix=_EXTRA) from error
    return track_pyin


def _draw(analysis: Analysis, path: Path, lang: Lang, pitch: PitchMethod, notes: Terminal) -> None:
    from agent_console import prosody_view
    from agent_console.prosody_wording import DRAWN, NO_FONT, OVERVIEW
    from agent_console.typeface import find_typeface

    typeface = find_typeface()
    labels = lang
    if lang is Lang.ZH and not typeface.speaks_chinese:
        labels = Lang.EN
        notes.print(f"{NO_FONT.zh}\n{NO_FONT.en}")
    figure = prosody_view.draw(analysis, labels, typeface, pitch)
    with written(path) as unfinished:
        prosody_view.save(figure, unfinished, typeface)
    notes.print(lang.of(DRAWN).format(path=path))
    if to_s(analysis.window.length) > prosody_view.DETAIL_S:
        start_s = to_s(analysis.shifts_within[0].span.start if analysis.shifts_within else analysis.window.start)
        notes.print(lang.of(OVERVIEW).format(most=prosody_view.DETAIL_S, start=start_s // 1, end=start_s // 1 + 30))


def _emit(text: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(text)
        return
    with written(out) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[float, float | None], None]]:
    """A bar on standard error, where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Terminal(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bars:
        task = bars.add_task(file.name, total=None)
        yield lambda done_s, of_s: bars.update(task, completed=done_s, total=of_s)
