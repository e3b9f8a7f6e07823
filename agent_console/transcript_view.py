"""Events as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.markup import escape

from prosody.types import EmotionBasis
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEnded,
    CallStarted,
    CoachingHinted,
    DtmfReceived,
    EmotionScored,
    EmotionShifted,
    IntentRecognized,
    KeyPointFound,
    StageFailed,
    Stamped,
    TranscriptFinal,
    VoiceRecalled,
)
from routing.leg_events import AudioDropped
from routing.service_events import PriorityChanged, RouteDecided
from voice.contracts.audio import Party, Samples, SegmentId, to_s

HIGH_RISK: Final = 0.5
"""Risk from which it is shown."""


def describe(stamped: Stamped, speakers: Mapping[SegmentId, Party]) -> str | None:
    """One event as a line with rich's markup; None for what would only be noise on a terminal.

    Args:
        stamped: the event.
        speakers: who speaks in each segment.
    """
    at = f"[dim]{_clock(stamped.at)}[/] "
    match stamped.event:
        case CallStarted(caller=caller, language=language):
            return f"\n[bold]{escape(caller)}[/] [dim]({language})[/]"
        case TranscriptFinal(segment=segment, text=text):
            return f"{at}[bold]{speakers[segment]}[/] {escape(text)}" if text else None
        case EmotionScored(score=score) if score.basis is EmotionBasis.TONE_AND_WORDS:
            return (
                f"{at}  [magenta]emotion[/] {score.label}  arousal {score.arousal:+.2f}  valence {score.valence:+.2f}"
                f"  confidence {score.confidence:.2f}{_risk(score.risk)}"
            )
        case EmotionShifted(shift=shift):
            return f"{at}  [bold magenta]shift[/] {shift.previous} → {shift.current} [dim]({shift.reason})[/]"
        case VoiceRecalled(source=source):
            return f"{at}  [magenta]voice[/] known from call {escape(source)}"
        case CoachingHinted(kind=kind, reason=reason, suggestion=suggestion):
            return (
                f"{at}  [bold green]hint[/] {kind}: {reason.zh} / {reason.en}\n"
                f"          [green]{suggestion.zh} / {suggestion.en}[/]"
            )
        case AgentToneAllowed(legal_basis=basis):
            return f"{at}  [bold red]agents' tone is measured[/] [dim]({escape(basis)})[/]"
        case AgentToneScored(tone=tone):
            return f"{at}  [magenta]agent's tone[/] arousal {tone.arousal:+.2f}  confidence {tone.confidence:.2f}"
        case IntentRecognized(label=label, grade=grade, confidence=confidence):
            return f"{at}  [cyan]intent[/] {label} ({grade}, {confidence:.2f})"
        case KeyPointFound(tag=tag, text=text, value=value):
            return f"{at}  [cyan]key point[/] {tag}: {escape(value or text)}"
        case PriorityChanged(previous=previous, current=current, reason=reason):
            return f"{at}  [yellow]priority[/] {previous} → {current}: {reason.zh} / {reason.en}"
        case RouteDecided(target=target, reason=reason, policy_version=version):
            return f"{at}  [bold yellow]route → {target}[/]: {reason.zh} / {reason.en} [dim](policy {version})[/]"
        case DtmfReceived(digit=digit):
            return f"{at}  key {digit}"
        case AudioDropped(party=party, span=span):
            return f"{at}  [red]audio lost[/] {party}, {to_s(span.length):.2f} s"
        case StageFailed(stage=stage, code=code):
            return f"{at}  [red]{stage} failed[/] ({code})"
        case CallEnded(reason=reason):
            return f"{at}[dim]call ended: {reason}[/]"
        case _:
            return None


def _clock(at: Samples) -> str:
    minutes, seconds = divmod(to_s(at), 60)
    return f"{int(minutes):02}:{seconds:04.1f}"


def _risk(risk: float) -> str:
    return f"  [bold red]risk {risk:.2f}[/]" if risk >= HIGH_RISK else ""
