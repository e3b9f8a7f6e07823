"""The trunks file: what it says, and what is told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_console.settings import Settings
from agent_console.sip_check import check_sip
from agent_console.sip_trunks import load_trunks
from agent_console.sip_wiring import sip_address
from tests.programs import free_ports
from voice.contracts.errors import SettingsError
from voice.contracts.sip_errors import TrunksError
from voice.sip.codecs import PCMA, PCMU

EXAMPLE = Path(__file__).parents[2] / "voice" / "sip" / "examples" / "trunks.yaml"
SECRETS = {"PROVIDER_PASSWORD": "s3cret-of-provider", "MEI_PASSWORD": "correct horse"}


def test_the_example_is_right() -> None:
    settings = load_trunks(EXAMPLE, "0.0.0.0", 5060, environ=SECRETS)
    office, provider, phones = settings.trunks
    assert (office.codecs, dict(office.languages)) == ((PCMA, PCMU), {"4002": "en"})
    assert office.numbers == frozenset({"4001", "4002"})
    assert settings.trunk_of_address("192.0.2.10") is office
    assert settings.trunk_of_address("::ffff:198.51.100.9") is provider
    assert settings.trunk_of_address("203.0.113.1") is None
    assert provider.registrar is not None
    assert provider.registrar.credentials.password == "s3cret-of-provider"
    assert settings.trunk_of_user("mei") is phones


def test_files_of_tls_are_looked_up_beside_the_trunks_file(tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    path.write_text(
        "tls: {certificate: ours.pem, key: /keys/ours.key}\n"
        "trunks:\n  a:\n    from: [10.0.0.1]\n    encrypt: true\n"
        "    register: {server: sip.example, user: u, password: p, transport: tls}\n",
        encoding="utf-8",
    )
    settings = load_trunks(path, "0.0.0.0", 5060)
    assert (settings.tls.certificate, settings.tls.key) == (tmp_path / "ours.pem", Path("/keys/ours.key"))
    assert settings.trunks[0].is_secure
    assert settings.trunks[0].registrar is not None
    assert (settings.trunks[0].registrar.transport, settings.trunks[0].registrar.port) == ("tls", 5061)


def test_early_media_is_asked_for_trunk_by_trunk(tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    early = "trunks:\n  a: {from: [10.0.0.1], early_media: true, announcement: hello.wav}\n  b: {from: [10.0.0.2]}\n"
    path.write_text(early, encoding="utf-8")
    with pytest.raises(TrunksError, match=r"line 2, trunks.a.announcement: expected a recording"):
        load_trunks(path, "0.0.0.0", 5060)
    (tmp_path / "hello.wav").write_bytes(b"looked into when the server begins")
    settings = load_trunks(path, "0.0.0.0", 5060)
    assert [(trunk.early_media, trunk.announcement) for trunk in settings.trunks] == [
        (True, tmp_path / "hello.wav"),
        (False, None),
    ]
    for alone, other in (("early_media: true", "announcement"), ("announcement: hello.wav", "early_media: true")):
        path.write_text(f"trunks:\n  a: {{from: [10.0.0.1], {alone}}}\n", encoding="utf-8")
        with pytest.raises(TrunksError, match=f"expected `{other}` beside it"):
            load_trunks(path, "0.0.0.0", 5060)
    assert settings.ports == (20_000, 29_999)


def test_without_a_file_this_machine_alone_may_call() -> None:
    settings = load_trunks(None, "0.0.0.0", 5060)
    assert settings.trunk_of_address("127.0.0.1") is not None
    assert settings.trunk_of_address("::1") is not None
    assert settings.trunk_of_address("192.0.2.10") is None
    assert not settings.passwords


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("trunks:\n  a:\n    form: [10.0.0.1]\n", "line 3, trunks.a.form: this key is not known here"),
        ("trunks:\n  a:\n    from: [10.0.0.300]\n", "line 3, trunks.a.from[0]: expected an address or a network"),
        ("trunks:\n  a: {from: [10.0.0.1/8]}\n", "has host bits set"),
        ("trunks:\n  a: {language: zh}\n", "expected `from` or `users`"),
        ("trunks:\n  a:\n    users: {mei: short}\n", "at least 8 character"),
        ("trunks:\n  a:\n    users: {mei: 'env:NOT_THERE_AT_ALL'}\n", "environment variable NOT_THERE_AT_ALL"),
        ("trunks:\n  a: {from: [10.0.0.1], codecs: [G729]}\n", "expected one of opus, G722, PCMA, PCMU; got 'G729'"),
        ("trunks:\n  a:\n    users: {mei: longenough}\n  b:\n    users: {mei: longenough}\n", "stands in a already"),
        ("audio_ports: [30000, 20000]\ntrunks:\n  a: {from: [10.0.0.1]}\n", "line 1, audio_ports"),
        ("trunks: {}\n", "at least 1 key"),
        ("nothing: here\n", "expected the key trunks"),
        ("trunks:\n  a:\n    register: {server: s, user: u, password: p}\n", "expected `from` beside it"),
        ("trunks: [", "not valid YAML"),
        ("trunks:\n  a:\n    from: [10.0.0.1]\n    encrypt: true\n", "line 4, trunks.a.encrypt: expected `tls`"),
        ("tls: {verify_callers: true}\ntrunks:\n  a: {from: [10.0.0.1]}\n", "expected `authorities` beside it"),
        ("tls: {cert: a.pem}\ntrunks:\n  a: {from: [10.0.0.1]}\n", "tls.cert: this key is not known here"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    path.write_text(text)
    with pytest.raises(TrunksError) as caught:
        load_trunks(path, "0.0.0.0", 5060, environ={})
    assert told in str(caught.value)
    assert "longenough" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:5070", ("0.0.0.0", 5070)),
        ("pbx.example", ("pbx.example", 5060)),
        ("[::1]:5070", ("::1", 5070)),
        ("[::1]", ("::1", 5060)),
        ("127.0.0.1", ("127.0.0.1", 5060)),
    ],
)
def test_where_to_listen(text: str, address: tuple[str, int]) -> None:
    assert sip_address(text) == address


@pytest.mark.parametrize("text", ["127.0.0.1:99999", " ", "127.0.0.1:sip"])
def test_where_nobody_can_listen(text: str) -> None:
    with pytest.raises(SettingsError):
        Settings.load(environ={}, sip=text)


@pytest.mark.anyio
async def test_the_check_tells_what_is_wrong(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    fine = await check_sip(Settings.load(environ={}, sip=f"127.0.0.1:{port}"), None)
    assert not any(finding.problem for finding in fine)
    path = tmp_path / "trunks.yaml"
    path.write_text("trunks:\n  all: {from: ['0.0.0.0/0'], codecs: [opus]}\n")
    open_to_all = await check_sip(
        Settings.load(environ={}, sip=f"127.0.0.1:{port}", trunks=path, sip_advertised="pbx.example"), None
    )
    told = " ".join(finding.found for finding in open_to_all)
    assert "the whole internet" in told
    assert "Opus alone" in told
    assert "names work for signalling" in told
    broken = await check_sip(Settings.load(environ={}, trunks=tmp_path / "none.yaml"), None)
    assert [(finding.subject, finding.problem) for finding in broken] == [("trunks", True)]
