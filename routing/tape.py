"""The recording of a call, as the call sees it: whatever breaks it costs only itself."""

from __future__ import annotations

from anyio.to_thread import run_sync

from routing.log import CallLog
from routing.terms import Stage
from voice.contracts.audio import AudioFrame, Samples
from voice.contracts.errors import WarmlineError
from voice.recording import StereoRecorder
from voice.redaction import Redaction


class Tape:
    """Writes frames to a recorder and says in the log where that ended.

    While it is paused, what is said is silence: in the recording, and for whoever hears what `write` answers.

    Args:
        log: where a failure goes.
        recorder: open; None to record nothing.
    """

    def __init__(self, log: CallLog, recorder: StereoRecorder | None) -> None:
        self._log = log
        self._recorder = recorder
        self._redaction = Redaction()

    @property
    def paused(self) -> bool:
        """Whether nothing is kept at the moment."""
        return self._redaction.since is not None

    def pause(self, at: Samples | None = None) -> Samples:
        """Keep nothing of what any party says from now on: none of it reaches the disk. Idempotent.

        Args:
            at: media time of the pause; None for the end of the newest frame. Frames written before are kept.

        Returns:
            From where on the recording is silent, exact to the sample and the same for both channels.
        """
        return self._redaction.begin(at)

    def resume(self, at: Samples | None = None) -> Samples:
        """The end of a pause; answers from where on audio is kept again. Idempotent.

        Args:
            at: media time; None for the end of the newest frame. What was said before it stays silent, even where it
                comes later.
        """
        return self._redaction.end(at)

    async def write(self, frame: AudioFrame) -> AudioFrame:
        """Record a frame; answers what of it may be heard and kept, so that a replay hears what the call heard."""
        kept = self._redaction.apply(frame)
        if self._recorder is None:
            return kept
        try:
            if self._recorder.write(kept.party, kept.start, kept.pcm):
                await run_sync(self._recorder.flush)
        except WarmlineError as error:
            await self._stop(error)
        return kept

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
