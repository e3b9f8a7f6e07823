"""Where the business is: the time zone by which dates, hours and weekdays are meant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

ETC: Final = Path("/etc")
_FOLDER: Final = "zoneinfo/"


def find_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (OSError, KeyError, ValueError) as error:  # a folder, unknown, or no name at all
        raise ValueError(f"{name[:60]!r} is no time zone; write it as in Asia/Shanghai") from error


def local_zone(environ: Mapping[str, str] | None = None, etc: Path = ETC) -> tzinfo:
    """The time zone of this machine, by name where one can be found, so that summer time counts; else its offset now.

    Args:
        environ: environment variables; `TZ` comes first.
        etc: the folder with `localtime` and `timezone`.
    """
    for name in _names((os.environ if environ is None else environ).get("TZ", ""), etc):
        try:
            return find_zone(name)
        except ValueError:
            continue
    offset = datetime.now().astimezone().tzinfo
    return find_zone("UTC") if offset is None else offset


def _names(wanted: str, etc: Path) -> list[str]:
    found = [wanted.removeprefix(":")]
    try:
        found.append(str((etc / "localtime").resolve()).partition(_FOLDER)[2])
        found.append((etc / "timezone").read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError):
        pass  # neither is there on every system
    return [name for name in found if name]
