"""`warmline sip check` and `sip call` in both languages; machines are told the same whatever people read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from agent_console import sip_wording
from agent_console.cli import app
from agent_console.prosody_options import Lang
from agent_console.settings import Settings
from agent_console.sip_check import check_sip
from agent_console.sip_phone import call
from routing.terms import Wording
from tests.programs import free_ports
from tests.voice.sip.line import line

TRUNKS = """
trunks:
  wide: {from: [10.0.0.0/8], codecs: [opus], early_media: true, announcement: hello.wav}
  narrow: {from: [10.1.2.3, 0.0.0.0/0], users: {mei: correct-horse}}
"""


def wordings() -> list[Wording]:
    found: list[Wording] = []
    for value in vars(sip_wording).values():
        found += [value] if isinstance(value, Wording) else []
        found += [one for one in value.values() if isinstance(one, Wording)] if isinstance(value, dict) else []
    return found


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_say_the_same_things() -> None:
    assert len(wordings()) > 40
    for wording in wordings():
        assert fields(wording.zh) == fields(wording.en), wording
        assert re.search("[\u4e00-\u9fff]", wording.zh) or wording.zh.startswith("UDP"), wording


@pytest.mark.anyio
async def test_the_check_speaks_chinese_and_finds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    path.write_text(TRUNKS, encoding="utf-8")
    soundfile.write(tmp_path / "hello.wav", np.full(24_000, 0.1, np.float32), 16_000)
    settings = Settings.load(environ={}, sip=f"127.0.0.1:{free_ports(1)[0]}", trunks=path)
    zh, en = [await check_sip(settings, None, lang) for lang in (Lang.ZH, Lang.EN)]
    assert [(one.problem, bool(one.fix)) for one in zh] == [(one.problem, bool(one.fix)) for one in en]
    assert [one.subject for one in zh][:4] == ["地址", "加密", "中继 wide", "中继 wide"]
    for finding in zh:
        assert re.search("[\u4e00-\u9fff]", finding.found), finding
        assert not finding.fix or re.search("[\u4e00-\u9fff]", finding.fix), finding
    assert f"接听之前播放 {tmp_path / 'hello.wav'}（1.5 秒，183）" in [one.found for one in zh]
    assert "允许整个互联网呼入" in [one.found for one in zh]
    assert "lets in the whole internet" in [one.found for one in en]


def test_json_is_the_same_in_every_language(tmp_path: Path) -> None:
    path = tmp_path / "trunks.yaml"
    path.write_text("trunks: {a: {form: [1.2.3.4]}}\n", encoding="utf-8")
    said = {}
    for lang in ("zh", "en"):
        command = ["sip", "check", "--sip", "127.0.0.1:0", "--trunks", str(path), "--json", "--lang", lang]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 1
        said[lang] = json.loads(result.stdout)
    assert said["zh"] == said["en"]
    assert said["en"][0]["subject"] == "trunks"
    read = CliRunner().invoke(app, ["sip", "check", "--trunks", str(path), "--lang", "zh"])
    assert "中继文件有误" in read.stdout


@pytest.mark.anyio
async def test_the_test_phone_tells_its_steps_in_chinese() -> None:
    steps: list[str] = []
    async with line() as (endpoint, ear):
        uri = f"sip:4001@127.0.0.1:{endpoint.port}"
        await call(uri, play=None, record=None, seconds=0.2, report=steps.append, lang=Lang.ZH)
        await ear.wait_ended()
    assert steps == [f"正在呼叫 {uri}", "已接听；听 0.2 秒"]
