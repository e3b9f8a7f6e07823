"""Settings: where they come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent_console.deps import IceServer, Site
from agent_console.settings import LogLevel, Settings
from routing.agent_tone import AgentTonePermission
from voice.contracts.errors import SettingsError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(file: Path | None = None, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    return Settings.load(file=file, environ=environ or {}, **overrides)


def test_defaults_serve_this_machine_only() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.language, settings.vad) == ("127.0.0.1", 8080, "zh", "silero")


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text('port = 1001\nmax_calls = 3\nlanguage = "en"\nhosts = ["a.example", "b.example"]\n')
    settings = load(file, {"WARMLINE_PORT": "1002", "WARMLINE_MAX_CALLS": "4", "OTHER": "x"}, port=1003, data=None)
    assert (settings.port, settings.max_calls, settings.language) == (1003, 4, "en")
    sources = {line.key: line.source for line in settings.describe()}
    assert sources["port"] == "command line"
    assert sources["max_calls"] == "environment WARMLINE_MAX_CALLS"
    assert sources["language"] == str(file)
    assert sources["data"] == "default"
    assert settings.hosts == ("a.example", "b.example")


def test_the_file_in_the_working_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "warmline.toml").write_text("log_level = 'debug'\n")
    assert load().log_level is LogLevel.DEBUG


def test_lists_come_with_commas_and_empty_variables_do_not_count() -> None:
    settings = load(environ={"WARMLINE_STUN": "stun:a:1, stun:b:2", "WARMLINE_POLICY": "", "WARMLINE_TEST_DATA": "x"})
    assert settings.stun == ("stun:a:1", "stun:b:2")
    assert settings.policy is None


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"WARMLINE_PROT": "1"}, ["'prot'", "WARMLINE_PROT", "Did you mean 'port'?"]),
        ({"WARMLINE_ZZZZZZ": "1"}, ["'zzzzzz'", "config show"]),
        ({"WARMLINE_PORT": "65536"}, ["'port'", "1 to 65535", "'65536'", "WARMLINE_PORT"]),
        ({"WARMLINE_PORT": "http"}, ["'port'", "'http'"]),
        ({"WARMLINE_MAX_CALLS": "0"}, ["'max_calls'", "1 to 1000"]),
        ({"WARMLINE_ENGINE": "x" * 101}, ["'engine'", "whisper"]),
        ({"WARMLINE_VAD": "energy"}, ["'vad'", "silero"]),
        ({"WARMLINE_LANGUAGE": "fr"}, ["'language'", "zh or en"]),
        ({"WARMLINE_RECORDING": "perhaps"}, ["'recording'", "true or false"]),
        ({"WARMLINE_SESSION_HOURS": "nan"}, ["'session_hours'"]),
        ({"WARMLINE_STUN": "http://x"}, ["'stun'", "stun:HOST:PORT"]),
        ({"WARMLINE_TURN": "turn:x:1"}, ["turn_user", "turn_password"]),
        ({"WARMLINE_MEASURE_AGENTS": "true"}, ["measure_agents_legal_basis", "Set all of them, or none"]),
        ({"WARMLINE_MEASURE_AGENTS_LEGAL_BASIS": "works agreement 7"}, ["'measure_agents'", "go together"]),
        ({"WARMLINE_MEASURE_AGENTS": "true", "WARMLINE_MEASURE_AGENTS_LEGAL_BASIS": "   "}, ["go together"]),
        ({"WARMLINE_MEASURE_AGENTS": "true", "WARMLINE_MEASURE_AGENTS_LEGAL_BASIS": "yes"}, ["10 characters"]),
        ({"WARMLINE_MEASURE_AGENTS": "agents"}, ["'measure_agents'", "Article 5(1)(f)"]),
        ({"WARMLINE_CARRY_OVER": "maybe"}, ["'carry_over'", "true or false"]),
        ({"WARMLINE_LOG_LEVEL": "loud"}, ["'log_level'", "debug, info"]),
    ],
)
def test_a_mistake_names_key_expectation_and_origin(environ: dict[str, str], said: list[str]) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(environ=environ)
    assert refusal.value.code == "settings.invalid"
    for part in said:
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"prot = 1", "Did you mean 'port'?"),
        (b"port = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"[port]\nx = 1", "'port'"),
        (b"port = true\nhost = 7", "'host'"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "warmline.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        load()


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_an_unknown_override_is_refused() -> None:
    with pytest.raises(SettingsError, match="command line"):
        load(prot=1)


def test_secrets_are_never_shown() -> None:
    turn = {"WARMLINE_TURN": "turn:t:1", "WARMLINE_TURN_USER": "u", "WARMLINE_TURN_PASSWORD": "hush-hush"}
    settings = load(environ=turn)
    shown = {line.key: line.value for line in settings.describe()}
    assert shown["turn_password"] == "********"
    assert "hush-hush" not in repr(settings)
    with pytest.raises(SettingsError) as refusal:
        load(turn_password=["hush-hush"])
    assert "hush-hush" not in str(refusal.value)


def test_agents_are_not_measured_unless_both_settings_say_so() -> None:
    assert load().agent_tone is None
    both = load(measure_agents=True, measure_agents_legal_basis="works agreement 7, occupational safety")
    assert both.agent_tone == AgentTonePermission("works agreement 7, occupational safety")


def test_what_measuring_agents_and_storing_voices_means_is_said_where_it_is_set() -> None:
    described = {line.key: line.expected for line in load().describe()}
    assert "Regulation 2024/1689, Article 5(1)(f)" in described["measure_agents"]
    assert "medical or safety" in described["measure_agents"]
    assert "journal" in described["carry_over"]
    assert "erased" in described["carry_over"]


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load().port = 1


def test_every_setting_says_what_it_takes() -> None:
    lines = load().describe()
    assert {line.key for line in lines} == set(Settings.model_fields)
    assert all(line.expected for line in lines)


def test_the_site_is_the_part_that_visitors_see() -> None:
    environ = {
        "WARMLINE_STUN": "stun:s:1",
        "WARMLINE_TURN": "turn:t:1",
        "WARMLINE_TURN_USER": "u",
        "WARMLINE_TURN_PASSWORD": "p",
        "WARMLINE_HOSTS": "calls.example",
        "WARMLINE_HOST": "0.0.0.0",
    }
    site = Site.of(load(environ=environ), version="1")
    assert site.ice_servers == (IceServer(("stun:s:1",)), IceServer(("turn:t:1",), "u", "p"))
    assert site.hosts == ("calls.example",)
    assert Site.of(load(host="box.lan"), version="1").hosts == ("box.lan",)
