"""Settings: one frozen object, built once by the command line and handed down in parts.

Values come from, weakest first: the defaults below, a TOML file (`warmline.toml`), environment variables
(`WARMLINE_PORT=9000`; lists are separated by commas), and what the command line overrides. A key that nobody knows is
an error, wherever it stands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from agent_console.settings_sources import ENVIRONMENT_PREFIX, gather
from agent_console.time_zone import find_zone, local_zone
from routing.agent_tone import SHORTEST_BASIS, AgentTonePermission
from voice.contracts.errors import SettingsError
from voice.contracts.recording import RecordingFormat

_Texts = Annotated[tuple[str, ...], NoDecode]


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as `config show` prints it.

    Attributes:
        key: its name.
        value: as text; secrets are masked.
        source: `default`, the TOML file's path, `environment WARMLINE_…` or `command line`.
        expected: what the setting takes.
    """

    key: str
    value: str
    source: str
    expected: str


class Settings(BaseSettings):
    """Everything that can be set. Build it with `load`, which turns every mistake into a `SettingsError`."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True, validate_default=True)

    host: str = Field("127.0.0.1", min_length=1, max_length=255, description="an address or name to listen on")
    port: int = Field(8080, ge=0, le=65535, description="a port from 1 to 65535, or 0 for any free one")
    hosts: _Texts = Field(
        (), description="names under which browsers reach this server, besides addresses and localhost; * for any"
    )
    data: Path = Field(Path("data"), description="a folder for journal, recordings and accounts")
    models: Path = Field(Path("models"), description="a folder that holds recognition models")
    engine: str = Field(
        "auto",
        min_length=1,
        max_length=100,
        description="auto, whisper, vosk, fake, or ENGINE/MODEL of an installed model",
    )
    language: Literal["zh", "en"] = Field("zh", description="zh or en, what callers speak unless they choose")
    terms: Path | None = Field(
        None, description="a text file of terms that callers use, one a line, or nothing for those that ship"
    )
    prompt_terms: int = Field(
        0,
        ge=0,
        le=8,
        description=(
            "0 to 8, how many of your own terms, from the first on, Whisper is told before each Mandarin "
            "utterance; it hears those far better and everything else a little worse"
        ),
    )
    vad: Literal["silero", "webrtc"] = Field("silero", description="silero or webrtc")
    turn_end: Literal["timer", "smart-turn"] = Field(
        "timer", description="timer or smart-turn (a model to be pulled): what tells a pause from the end of a turn"
    )
    turn_words: bool = Field(
        True,
        description="true or false, whether a number that is not whole yet keeps a turn open, however it sounds",
    )
    hangover_ms: float = Field(
        560, ge=100, le=3000, description="milliseconds of silence that end a turn nobody judged otherwise, 100 to 3000"
    )
    patience_ms: float = Field(
        1400, ge=100, le=5000, description="milliseconds of silence that end a turn judged unfinished, 100 to 5000"
    )
    time_zone: str | None = Field(
        None,
        max_length=60,
        description=(
            "where the business is, as in Asia/Shanghai, by whose clocks dates that callers name and hours in policy "
            "and desk file are meant; nothing for this machine's zone"
        ),
    )
    policy: Path | None = Field(None, description="a routing policy file, or nothing for the one that ships")
    desk: Path | None = Field(
        None, description="a desk file (queues, agents, opening hours), or nothing for the one that ships"
    )
    tone_model: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description=(
            "a tone model to judge beside the rules: linear for the one that ships, or the path of an ONNX model with "
            "its description (.json) beside it; nothing for the rules alone"
        ),
    )
    carry_over: bool = Field(
        True,
        description=(
            "true or false, whether a call begins with how the same caller sounded before; stores, in the journal, "
            "location and spread of that caller's pitch, level, rate and timbre, which go when the call is erased"
        ),
    )
    measure_agents: bool = Field(
        False,
        description=(
            "true or false, whether agents' tone is measured as well; the EU prohibits inferring emotions at work "
            "except for medical or safety reasons (AI Act, Regulation 2024/1689, Article 5(1)(f)); needs "
            "measure_agents_legal_basis"
        ),
    )
    measure_agents_legal_basis: str | None = Field(
        None,
        max_length=500,
        description="why measuring agents' tone is lawful here, in words; stands in the log of every call",
    )
    max_calls: int = Field(10, ge=1, le=1000, description="calls at once, 1 to 1000")
    calls_per_minute: float = Field(
        60,
        ge=0,
        le=100_000,
        description="calls that browsers of one address may begin a minute, a third of them at once; 0 for any number",
    )
    recognition_threads: int = Field(2, ge=1, le=64, description="utterances recognized at the same time, 1 to 64")
    admission: Literal["measured", "off"] = Field(
        "measured",
        description=(
            "measured or off: whether calls below max_calls are refused, too, while recognition was measured not to "
            "keep up with one more"
        ),
    )
    isolate_recognition: bool = Field(
        True,
        description=(
            "true or false, whether recognition runs in processes of its own, one for each of recognition_threads, so "
            "that an engine that crashes or hangs takes no call with it; each holds the model in memory"
        ),
    )
    recording: bool = Field(True, description="true or false, whether calls are recorded")
    recording_format: RecordingFormat = Field(
        RecordingFormat.WAV,
        description=(
            "wav, flac or opus, what a recording becomes when its call is over; flac keeps every sample in about a "
            "third of the space, opus the sound in a tenth"
        ),
    )
    hold_sound: Literal["music", "silence"] = Field(
        "music", description="music or silence, what a caller on hold hears"
    )
    agent_grace_s: float = Field(
        15.0,
        ge=0,
        le=120,
        description="seconds, 0 to 120, that a caller waits for an agent whose page or network is lost before they are "
        "offered to somebody else",
    )
    echo: Literal["telephone", "on", "off"] = Field(
        "telephone",
        description=(
            "telephone, on or off, whose echo of what they are played is taken out of what they say: that of callers "
            "who do not come through a browser (browsers do it themselves), everybody's or nobody's"
        ),
    )
    cookie_secure: Literal["auto", "always", "never"] = Field(
        "auto", description="auto (where the page came over https), always or never"
    )
    session_hours: float = Field(12, ge=0.1, le=720, description="hours from sign-in to sign-out, 0.1 to 720")
    session_idle_minutes: float = Field(
        60, ge=1, le=43_200, description="minutes without use until sign-out, 1 to 43200"
    )
    ice_addresses: _Texts = Field(
        (), description="addresses of this machine to offer for audio; empty for all but loopback"
    )
    opus_bit_rate: int = Field(
        40_000, ge=6_000, le=128_000, description="bits a second of what is sent to browsers, 6000 to 128000"
    )
    opus_application: Literal["audio", "voip"] = Field(
        "audio", description="audio leaves the waveform alone, voip takes out what lies below the voice"
    )
    stun: _Texts = Field((), description="STUN servers as stun:HOST:PORT")
    turn: _Texts = Field((), description="TURN servers as turn:HOST:PORT or turns:HOST:PORT")
    turn_user: str | None = Field(None, max_length=256, description="the user name for the TURN servers")
    turn_password: SecretStr | None = Field(None, description="the password for the TURN servers")
    turn_secret: SecretStr | None = Field(
        None,
        min_length=8,
        description=(
            "instead of turn_user and turn_password: the secret shared with the TURN servers (coturn's "
            "static-auth-secret), from which every page gets credentials that expire"
        ),
    )
    turn_lifetime_s: float = Field(
        14_400, ge=60, le=604_800, description="seconds for which such credentials are good, 60 to 604800"
    )
    stream_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="a secret of 16 characters or more that lets a provider stream calls to /stream",
    )
    stream_signing_key: SecretStr | None = Field(
        None, min_length=16, description="the auth token of the Twilio account that signs its media streams"
    )
    stream_url: str | None = Field(
        None, max_length=512, description="the address that was signed, for example wss://calls.example.com/stream"
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="a secret of 16 characters or more that lets Prometheus read /metrics, sent as a bearer token",
    )
    sip: str | None = Field(
        None,
        max_length=255,
        description="HOST:PORT to take telephone calls on over SIP, UDP and TCP, or nothing for none",
    )
    sip_advertised: str | None = Field(
        None, min_length=1, max_length=255, description="the address that trunks reach this machine under, behind NAT"
    )
    trunks: Path | None = Field(
        None, description="a file that says who may call over SIP, or nothing for this machine only"
    )
    log_level: LogLevel = Field(LogLevel.INFO, description="debug, info, warning or error")

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` gathered counts, so that each value's origin is known."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("hosts", "ice_addresses", "stun", "turn", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("stun")
    @classmethod
    def _check_stun(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _with_scheme(value, ("stun:", "stuns:"))

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str | None) -> str | None:
        if value is not None:
            find_zone(value)
        return value

    @field_validator("turn")
    @classmethod
    def _check_turn(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _with_scheme(value, ("turn:", "turns:"))

    @model_validator(mode="after")
    def _check_turn_credentials(self) -> Self:
        if self.turn_secret and (self.turn_user or self.turn_password):
            raise ValueError("'turn_secret' stands in place of 'turn_user' and 'turn_password'")
        if self.turn and not self.turn_secret and not (self.turn_user and self.turn_password):
            raise ValueError("'turn' needs 'turn_secret', or 'turn_user' and 'turn_password', as well")
        return self

    @model_validator(mode="after")
    def _check_stream(self) -> Self:
        if (self.stream_signing_key is None) != (self.stream_url is None):
            raise ValueError("'stream_signing_key' and 'stream_url' go together")
        return self

    @field_validator("sip")
    @classmethod
    def _check_sip(cls, value: str | None) -> str | None:
        host, colon, port = (value or "").rpartition(":")
        has_port = colon and "]" not in port and (":" not in host or host.endswith("]"))
        right = port.isascii() and port.isdigit() and len(port) < 6 and int(port) <= 65_535
        if value is not None and (not value.strip() or (has_port and not right)):
            raise ValueError("HOST:PORT with a port up to 65535 was expected")
        return value

    @model_validator(mode="after")
    def _check_patience(self) -> Self:
        if self.patience_ms < self.hangover_ms:
            raise ValueError("'patience_ms' has to be at least 'hangover_ms'")
        return self

    @model_validator(mode="after")
    def _check_agent_tone(self) -> Self:
        basis = (self.measure_agents_legal_basis or "").strip()
        if self.measure_agents != bool(basis):
            raise ValueError("'measure_agents' and 'measure_agents_legal_basis' go together")
        if self.measure_agents and len(basis) < SHORTEST_BASIS:
            raise ValueError(f"'measure_agents_legal_basis' takes at least {SHORTEST_BASIS} characters")
        return self

    @property
    def zone(self) -> tzinfo:
        """Where the business is."""
        return local_zone() if self.time_zone is None else find_zone(self.time_zone)

    @property
    def agent_tone(self) -> AgentTonePermission | None:
        """The permission to measure agents' tone; None unless both settings give it."""
        if not (self.measure_agents and self.measure_agents_legal_basis):
            return None
        return AgentTonePermission(self.measure_agents_legal_basis)

    @classmethod
    def load(
        cls, *, file: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: object
    ) -> Settings:
        """Gather the settings.

        Args:
            file: the TOML file; without one, `warmline.toml` in the working folder is read where it exists.
            environ: environment variables; `os.environ` unless given.
            **overrides: what the command line says; None means not given.

        Raises:
            SettingsError: a key is unknown, a value out of range, or the file cannot be read.
        """
        values, sources = gather(list(cls.model_fields), file, os.environ if environ is None else environ, overrides)
        try:
            settings = cls(**values)  # type: ignore[arg-type]  # validated by the call itself
        except ValidationError as error:
            raise _refusal(error, sources) from None
        settings._sources.update(sources)
        return settings

    def describe(self) -> list[SettingLine]:
        """Every setting with its value and where it came from, in order of declaration; secrets masked."""
        return [
            SettingLine(key, _as_text(getattr(self, key)), self._sources.get(key, "default"), field.description or "")
            for key, field in type(self).model_fields.items()
        ]


def _refusal(error: ValidationError, sources: Mapping[str, str]) -> SettingsError:
    """The first mistake as a `SettingsError`: key, what was expected, what came, and from where."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        return SettingsError(f"{first['msg'].removeprefix('Value error, ')}.", fix="Set all of them, or none.")
    key = str(first["loc"][0])
    field = Settings.model_fields[key]
    got = "a value that is not shown" if "SecretStr" in str(field.annotation) else repr(first["input"])
    source = sources.get(key, "default")
    return SettingsError(
        f"The setting '{key}' takes {field.description}; got {got} (from {source}).",
        fix=f"Correct it, or remove it to get the default {_as_text(field.default)!r}.",
    )


def _with_scheme(urls: tuple[str, ...], schemes: tuple[str, ...]) -> tuple[str, ...]:
    for url in urls:
        if not url.startswith(schemes) or not url.partition(":")[2]:
            raise ValueError(f"{url!r} does not begin with one of {', '.join(schemes)}")
    return urls


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(str(part) for part in value)
        case SecretStr():
            return "********"
        case _:
            return str(value)
