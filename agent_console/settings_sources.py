"""Where settings come from: a TOML file, the environment, the command line; who says what, and which key is unknown."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from voice.contracts.errors import SettingsError

ENVIRONMENT_PREFIX: Final = "WARMLINE_"

_FOREIGN_PREFIX: Final = "WARMLINE_TEST_"
"""Variables that steer the test suite and are none of the application's settings."""

SETTINGS_FILE: Final = "warmline.toml"


def gather(
    known: Collection[str], file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, str]]:
    """What is set, and by whom. The environment beats the file, the command line beats both.

    Args:
        known: the keys that there are.
        file: the TOML file; without one, `warmline.toml` in the working folder is read where it exists.
        environ: environment variables.
        overrides: what the command line says; None means not given.

    Returns:
        Values as they were written, and for each key where it came from.

    Raises:
        SettingsError: a key is unknown, or the file cannot be read.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    path = file if file is not None else Path(SETTINGS_FILE)
    if file is not None or path.is_file():
        for key, value in _read_file(path).items():
            _check_key(known, key, f"the file {path}")
            values[key], sources[key] = value, str(path)
    for name, text in environ.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name.startswith(_FOREIGN_PREFIX) or text == "":
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        _check_key(known, key, f"the environment variable {name}")
        values[key], sources[key] = text, f"environment {name}"
    for key, value in overrides.items():
        if value is not None:
            _check_key(known, key, "the command line")
            values[key], sources[key] = value, "command line"
    return values, sources


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error.strerror}.", fix="Check the path and its permissions."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} is not TOML: {error}.", fix='Write lines like: port = 8080 or host = "0.0.0.0".'
        ) from error


def _check_key(known: Collection[str], key: str, where: str) -> None:
    if key in known:
        return
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    meant = f"Did you mean '{near[0]}'?" if near else "`warmline config show` lists every setting."
    raise SettingsError(f"Unknown setting '{key}' in {where}.", fix=meant)
