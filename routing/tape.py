"""The recording of a call, as the call sees it: whatever breaks it costs only itself."""

from __future__ import annotations

from anyio.to_thread import run_sync

from routing.log import CallLog
from routing.terms import Stage
from voice.contracts.audio import AudioFrame
from voice.contracts.errors import WarmlineError
from voice.recording import StereoRecorder


class Tape:
    """Writes frames to a recorder and says in the log where that ended.

    Args:
        log: where a failure goes.
        recorder: open; None to record nothing.
    """

    def __init__(self, log: CallLog, recorder: StereoRecorder | None) -> None:
        self._log = log
        self._recorder = recorder

    async def write(self, frame: AudioFrame) -> None:
        """Record a frame."""
        if self._recorder is None:
            return
        try:
            if self._recorder.write(frame.party, frame.start, frame.pcm):
                await run_sync(self._recorder.flush)
        except WarmlineError as error:
            await self._stop(error)

    async def close(self) -> None:
        """Finish the recording."""
        if self._recorder is None:
            return
        try:
            await run_sync(self._recorder.close)
        except WarmlineError as error:
            await self._stop(error)

    async def _stop(self, error: WarmlineError) -> None:
        self._recorder = None
        await self._log.write_failure(Stage.RECORDING, error)
