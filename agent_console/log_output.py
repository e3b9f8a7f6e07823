"""Where log messages go: standard error."""

from __future__ import annotations

import logging
import sys

from agent_console.settings import LogLevel


def set_up_logging(level: LogLevel) -> None:
    """Write what is at least as grave as `level` to standard error."""
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # They say every candidate or request at INFO; what matters of a call stands in its log.
    for chatty in ("aioice", "aiortc", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
