"""Desk files: what is wrong names its line and how to mend it; opening hours hold on holidays and changed clocks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.desk.file import DEFAULT_DESK, load_desk, read_desk
from routing.desk.terms import AgentId, QueueId
from routing.kept_file import KeptFile
from voice.contracts.errors import DeskConfigError

GOOD = """\
version: "1"
title: {zh: 试, en: trial}
default_queue: general
skills:
  refund: {zh: 退款, en: refunds}
hours:
  office:
    time_zone: Asia/Shanghai
    week: {mon: ["09:00-12:00", "13:00-18:00"], fri: ["22:00-02:00"]}
    days:
      - {date: 2026-10-05, name: {zh: 国庆节, en: National Day}}
      - {date: 2026-10-10, name: {zh: 调休, en: Working Saturday}, open: ["09:00-18:00"]}
queues:
  general: {title: {zh: 综合, en: general}, hours: office}
  refunds: {title: {zh: 退款, en: refunds}, skills: {refund: 3}, overflow: [{after_s: 60, queue: general}]}
agents:
  mei: {skills: {refund: 9}}
"""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_what_ships_is_valid() -> None:
    assert load_desk(DEFAULT_DESK).default_queue == "general"
    assert set(load_desk(DEFAULT_DESK.with_name("example.yaml")).agents) == {"lin", "wang"}


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("default_queue: general", "default_queue: genral", 3, "Did you mean general?"),
        ("skills: {refund: 3}", "skills: {refunds: 3}", 15, "Did you mean refund?"),
        ("skills: {refund: 3}", "skills: {refund: 10}", 15, "at most 9"),
        ("skills: {refund: 9}", "skill: {refund: 9}", 17, "Did you mean skills?"),
        ("hours: office", "hours: ofice", 14, "Did you mean office?"),
        ("Asia/Shanghai", "Asia/Shangai", 8, "is no time zone"),
        ("Asia/Shanghai", "../../etc/passwd", 8, "time zone"),
        ("2026-10-05", "2026-13-05", 11, "no date of the calendar"),
        ("2026-10-10", "2026-10-05", 12, "stands here twice"),
        ('"09:00-12:00"', '"9-12"', 9, "09:00-18:00"),
        ('"09:00-12:00"', '"09:00-09:00"', 9, "nothing lies between"),
        ("queue: general}", "queue: refunds}", 15, "refunds -> refunds"),
        (", hours: office}", ", overflow: [{after_s: 1, queue: refunds}]}", 15, "goes round in a circle"),
        ("after_s: 60", "after_s: 1.0e+400", 15, "finite number"),
        ("after_s: 60", f"after_s: {10**40}", 15, "at most 86400"),
        ("title: {zh: 试, en: trial}", "title: {zh: 试}", 2, "en"),
        ("  general: {title", "  General!: {title", 13, "lower-case"),
    ],
)
def test_what_is_wrong_names_line_and_mend(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    with pytest.raises(DeskConfigError) as error:
        read_desk(GOOD.replace(old, new, 1))
    assert f"line {line}" in str(error.value)
    assert message in str(error.value)


def test_hours_know_lunch_nights_holidays_and_working_saturdays() -> None:
    queue = read_desk(GOOD).queues[QueueId("general")]
    assert queue.is_open(at("2026-11-23T01:00"))  # Monday 09:00 in Shanghai
    assert not queue.is_open(at("2026-11-23T04:30"))  # lunch
    assert queue.opens_at(at("2026-11-23T04:30")) == at("2026-11-23T05:00")
    assert queue.is_open(at("2026-11-27T17:30"))  # Saturday 01:30, of the night that began on Friday
    assert not queue.is_open(at("2026-10-05T02:00"))  # the Monday of the holidays
    assert queue.is_open(at("2026-10-10T02:00"))
    assert queue.opens_at(at("2026-10-03T02:00")) == at("2026-10-09T14:00")


def test_hours_keep_to_the_wall_when_clocks_change() -> None:
    text = GOOD.replace("Asia/Shanghai", "Europe/Berlin").replace("mon: [", 'sun: ["09:00-10:00"], mon: [')
    queue = read_desk(text).queues[QueueId("general")]
    assert queue.opens_at(at("2026-10-24T20:00")) == at("2026-10-25T08:00")  # winter: 09:00 is 08:00 UTC
    assert queue.opens_at(at("2026-10-17T22:00")) == at("2026-10-18T07:00")  # summer


def test_a_broken_change_leaves_the_old_set_up_in_force(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    path.write_text(GOOD, encoding="utf-8")
    kept = KeptFile(path, load_desk)
    version = kept.current.version
    path.write_text(GOOD.replace("default_queue: general", "default_queue: nowhere"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    error = kept.refresh()
    assert error is not None
    assert "nowhere" in str(error)
    assert kept.refresh() is None
    assert kept.current.version == version
    path.write_text(GOOD.replace("refund: 9", "refund: 8"), encoding="utf-8")
    os.utime(path, ns=(2, 2))
    assert kept.refresh() is None
    assert kept.error is None
    assert kept.current.agents[AgentId("mei")].skills[0].level == 8
