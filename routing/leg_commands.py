"""Commands about the people on one call, carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from routing.commands import (
    ChangeMode,
    CommandRefusedError,
    Consult,
    Done,
    EndConsult,
    HoldCall,
    JoinCall,
    LeaveCall,
    LegAnswered,
    LegCommand,
    MuteLeg,
    PauseRecording,
    ReofferLeg,
    ResumeCall,
    ResumeRecording,
    TransferCall,
    UnmuteLeg,
    WithdrawTransfer,
)
from routing.lines import Lines
from voice.contracts.errors import WarmlineError
from voice.webrtc.leg import WebRtcLeg

Answer: TypeAlias = Callable[[str], Awaitable[WebRtcLeg]]
"""Answers an SDP offer with a leg."""


async def carry_out(command: LegCommand, lines: Lines, answer: Answer, *, draining: bool) -> LegAnswered | Done:
    """Carry out a command about the people on a call.

    Args:
        command: what is asked.
        lines: of its call.
        answer: answers offers.
        draining: whether nobody new may join.

    Raises:
        CommandRefusedError: it cannot be carried out.
    """
    try:
        match command:
            case JoinCall():
                return await _join(command, lines, answer, draining=draining)
            case ReofferLeg(who=who, sdp=sdp):
                return LegAnswered(command.call, await lines.reoffer(who, sdp))
            case Consult() | EndConsult() | TransferCall() | WithdrawTransfer():
                await lines.pass_on(command)
            case ChangeMode(who=who, mode=mode):
                await lines.change_mode(who, mode)
            case LeaveCall(who=who):
                await lines.leave(who)
            case HoldCall() | ResumeCall():
                lines.hold(command.who, held=isinstance(command, HoldCall), oversees=command.oversees)
            case PauseRecording() | ResumeRecording():
                paused = isinstance(command, PauseRecording)
                lines.pause_recording(command.who, paused=paused, oversees=command.oversees)
            case MuteLeg() | UnmuteLeg():
                lines.mute(command.who, muted=isinstance(command, MuteLeg))
            case _:
                assert_never(command)
    except CommandRefusedError:
        raise
    except WarmlineError as error:
        raise CommandRefusedError(error.code, str(error.args[0]), fix=error.fix) from error
    return Done(command.call)


async def _join(command: JoinCall, lines: Lines, answer: Answer, *, draining: bool) -> LegAnswered:
    if draining:
        raise CommandRefusedError("server.draining", "The server is stopping.")
    answered: list[WebRtcLeg] = []

    async def answer_offer() -> WebRtcLeg:
        answered.append(await answer(command.sdp))
        return answered[0]

    await lines.join(command.who, command.mode, answer_offer)
    return LegAnswered(command.call, answered[0].answer_sdp)
