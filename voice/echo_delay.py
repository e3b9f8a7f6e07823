"""By how much an echo is late, told by how loud it is from moment to moment, and what was played before. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

MOST_FRAMES: Final = 70
"""No echo is later than this: 1.4 s."""

LOOKED_AT_FRAMES: Final = 300
"""Over how much the two are compared: 6 s, so that pauses and words are among it."""

EVERY_FRAMES: Final = 50
"""How often: once a second."""

ALIKE: Final = 0.9
"""A correlation of this much, twice, is no chance. Where only the echo is heard it is 0.92 to 0.98; two people who
speak at the same time come to 0.55 in the median, and to 0.84 in two minutes."""

FIRST_FRAMES: Final = 200
"""Before so many nothing is said: 4 s."""

LEAST_DBFS: Final = -60.0
"""What is quieter is silence."""


class EchoDelay:
    """Follows the levels of what is played and of what is heard, frame by frame."""

    def __init__(self) -> None:
        self._played = np.full(LOOKED_AT_FRAMES + MOST_FRAMES, LEAST_DBFS)
        self._heard = np.full(LOOKED_AT_FRAMES, LEAST_DBFS)
        self._frames = 0
        self._before: int | None = None

    def follow(self, played_dbfs: float, heard_dbfs: float) -> int | None:
        """Note a frame's levels.

        Returns:
            Once a second, and where it is plain: by how many frames what is heard is behind what is played.
        """
        self._frames += 1
        self._played[(self._frames - 1) % self._played.size] = max(played_dbfs, LEAST_DBFS)
        self._heard[(self._frames - 1) % LOOKED_AT_FRAMES] = max(heard_dbfs, LEAST_DBFS)
        if self._frames % EVERY_FRAMES or self._frames < FIRST_FRAMES:
            return None
        heard = np.roll(self._heard, -(self._frames % LOOKED_AT_FRAMES))
        played = np.roll(self._played, -(self._frames % self._played.size))
        heard = heard - heard.mean()
        windows = np.lib.stride_tricks.sliding_window_view(played, LOOKED_AT_FRAMES)
        spread = windows.std(axis=1) * heard.std() * LOOKED_AT_FRAMES
        alike = np.divide(windows @ heard, spread, out=np.zeros(len(windows)), where=spread > 1e-6)
        best = int(np.argmax(alike))
        found = MOST_FRAMES - best if alike[best] > ALIKE else None
        sure = found is not None and self._before is not None and abs(found - self._before) <= 1
        self._before = found
        return found if sure else None
