"""Where the business is: named, found on the machine, or refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent_console.settings import Settings
from agent_console.time_zone import find_zone, local_zone
from asr.types import Language
from routing.decider import Decider
from routing.desk.file import read_desk
from routing.events import CallStarted
from routing.local_time import local_time
from routing.policy.file import load_policy
from routing.terms import Channel, Direction
from voice.contracts.audio import from_s
from voice.contracts.errors import SettingsError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def started(at: str) -> CallStarted:
    return CallStarted(Direction.INBOUND, Channel.SIP, "tel:1", "main", Language.ZH, at)


def test_a_named_zone_is_taken() -> None:
    assert Settings.load(environ={}, time_zone="Asia/Shanghai").zone == SHANGHAI
    assert Settings.load(environ={"WARMLINE_TIME_ZONE": "Europe/Berlin"}).zone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["Asia/Shangai", "", "../../etc/passwd", "/etc/localtime", "Asia", "a\x00b", "北京"])
def test_what_is_no_zone_is_a_typed_error(name: str) -> None:
    with pytest.raises(SettingsError, match="time_zone"):
        Settings.load(environ={}, time_zone=name)


def test_without_a_name_the_machine_says_where_it_is(tmp_path: Path) -> None:
    assert local_zone({"TZ": "America/New_York"}, tmp_path) == ZoneInfo("America/New_York")
    assert local_zone({"TZ": ":Asia/Tokyo"}, tmp_path) == ZoneInfo("Asia/Tokyo")
    (tmp_path / "timezone").write_text("Europe/Paris\n", encoding="ascii")
    assert local_zone({}, tmp_path) == ZoneInfo("Europe/Paris")
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Shanghai")
    assert local_zone({"TZ": "nowhere/at/all"}, tmp_path) == SHANGHAI


def test_a_machine_that_says_nothing_has_its_offset(tmp_path: Path) -> None:
    zone = local_zone({}, tmp_path / "absent")
    now = datetime.now(UTC)
    assert now.astimezone(zone).utcoffset() == now.astimezone().utcoffset()


@pytest.mark.parametrize(
    ("at", "zone", "today"),
    [
        ("2026-03-10T15:59:59+00:00", "Asia/Shanghai", date(2026, 3, 10)),
        ("2026-03-10T16:00:00+00:00", "Asia/Shanghai", date(2026, 3, 11)),
        ("2026-03-10T16:00:00Z", "UTC", date(2026, 3, 10)),
        ("2026-03-11T03:59:59+00:00", "America/New_York", date(2026, 3, 10)),
        ("2026-12-31T16:00:01.250+00:00", "Asia/Shanghai", date(2027, 1, 1)),
        ("2026-03-10T23:30:00", "Asia/Shanghai", date(2026, 3, 11)),
    ],
)
def test_a_calls_day_is_that_of_the_clocks_where_the_business_is(at: str, zone: str, today: date) -> None:
    policy = load_policy()
    assert Decider(started(at), lambda: policy, zone=find_zone(zone)).today == today


def test_a_calls_clock_goes_on_over_midnight_and_over_summer_time() -> None:
    before = started("2026-11-22T15:59:30+00:00")
    assert local_time(before, from_s(29.9), SHANGHAI) == datetime(2026, 11, 22, 23, 59, 59, tzinfo=SHANGHAI)
    assert local_time(before, from_s(30), SHANGHAI) == datetime(2026, 11, 23, tzinfo=SHANGHAI)
    berlin = ZoneInfo("Europe/Berlin")
    spring = started("2026-03-29T00:59:50Z")
    assert local_time(spring, from_s(0), berlin).hour == 1
    assert local_time(spring, from_s(10), berlin).hour == 3


DESK = """\
version: "1"
title: {zh: 台, en: desk}
default_queue: day
hours:
  office: {week: {wed: ["09:00-18:00"]}}
  abroad: {time_zone: America/New_York, week: {wed: ["09:00-18:00"]}}
queues:
  day: {title: {zh: 日, en: day}, hours: office}
  away: {title: {zh: 外, en: away}, hours: abroad}
"""


def test_opening_hours_without_a_zone_are_those_of_the_business() -> None:
    nine = datetime(2026, 3, 11, 9, tzinfo=SHANGHAI).timestamp()
    desk = read_desk(DESK, zone=SHANGHAI)
    day, away = desk.queues.values()
    assert [day.is_open(nine), day.is_open(nine - 1), away.is_open(nine)] == [True, False, False]
    assert away.is_open(nine + timedelta(hours=13).total_seconds())
    assert not next(iter(read_desk(DESK).queues.values())).is_open(nine)
