"""What the `warmline` command answers to the shell."""

from __future__ import annotations

from enum import IntEnum

from voice.contracts.errors import (
    AccountError,
    AudioFormatError,
    AuditError,
    CapacityError,
    DataFolderError,
    DeskConfigError,
    DiarizationError,
    JournalError,
    LogGrammarError,
    ManifestError,
    ModelError,
    PolicyError,
    PortInUseError,
    RecordingError,
    RttmError,
    SettingsError,
    UnknownEngineError,
    WarmlineError,
)
from voice.contracts.sip_errors import SipPortError, TrunksError


class ExitCode(IntEnum):
    """Exit codes; documented in the README."""

    OK = 0
    FOUND_WRONG = 1
    """`doctor`, `models verify` and the like looked, and something is not in order."""
    USAGE = 2
    """The command line, a setting, an account name or a manifest is wrong."""
    MODEL = 3
    """A model is missing, corrupt, unknown or cannot be fetched."""
    AUDIO = 4
    """Audio cannot be read, or holds nothing."""
    POLICY = 5
    """The routing policy or the desk file is not valid."""
    SERVE = 6
    """The port is taken, or the data folder cannot be written."""
    FAILED = 7
    """Anything else that is known; the message says what."""


_BY_ERROR: tuple[tuple[type[WarmlineError], ExitCode], ...] = (
    (SettingsError, ExitCode.USAGE),
    (RttmError, ExitCode.USAGE),
    (DiarizationError, ExitCode.AUDIO),
    (AccountError, ExitCode.USAGE),
    (ManifestError, ExitCode.USAGE),
    (ModelError, ExitCode.MODEL),
    (UnknownEngineError, ExitCode.MODEL),
    (AudioFormatError, ExitCode.AUDIO),
    (PolicyError, ExitCode.POLICY),
    (TrunksError, ExitCode.USAGE),
    (SipPortError, ExitCode.SERVE),
    (DeskConfigError, ExitCode.POLICY),
    (AuditError, ExitCode.USAGE),
    (PortInUseError, ExitCode.SERVE),
    (DataFolderError, ExitCode.SERVE),
    (JournalError, ExitCode.SERVE),
    (RecordingError, ExitCode.SERVE),
    (LogGrammarError, ExitCode.FOUND_WRONG),
    (CapacityError, ExitCode.FAILED),
)


def exit_code(error: WarmlineError) -> ExitCode:
    """The exit code for an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)
