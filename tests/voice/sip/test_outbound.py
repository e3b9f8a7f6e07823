"""Who may be called, and how they are reached: nobody whom no trunk names, and nothing but a plain address."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.contracts.sip_errors import SipForbiddenError, SipTargetError
from voice.sip.digest import Credentials
from voice.sip.outbound import find_way
from voice.sip.trunks import Registrar, Trunk

PASSWORD = Credentials("us", "correct horse")
OFFICE = Trunk("office", transfer_to=frozenset({"pbx.example", "127.0.0.1"}))
PROVIDER = Trunk(
    "provider",
    registrar=Registrar("sip.provider.example", 5060, PASSWORD),
    gateway="sip.provider.example:5060",
    dials=("+8621", "400"),
)
CHEAPER = Trunk("cheaper", gateway="192.0.2.9", dials=("+86",))
TRUNKS = (OFFICE, PROVIDER, CHEAPER)


@pytest.mark.parametrize(
    ("target", "first", "uri", "trunk"),
    [
        ("sip:expert@pbx.example", None, "sip:expert@pbx.example", "office"),
        (
            "sip:expert@PBX.example:5080;transport=TCP",
            "provider",
            "sip:expert@PBX.example:5080;transport=tcp",
            "office",
        ),
        ("sips:expert@pbx.example", None, "sips:expert@pbx.example", "office"),
        ("tel:+86-21-5555.0100", None, "sip:+862155550100@sip.provider.example:5060", "provider"),
        ("tel:+86-21-5555.0100", "cheaper", "sip:+862155550100@192.0.2.9", "cheaper"),
        ("tel:+8610(5555)0100", None, "sip:+861055550100@192.0.2.9", "cheaper"),
        ("tel:4008001234", None, "sip:4008001234@sip.provider.example:5060", "provider"),
    ],
)
def test_whom_a_trunk_names_is_called_over_it(target: str, first: str | None, uri: str, trunk: str) -> None:
    way = find_way(target, TRUNKS, first)
    assert (way.uri, way.trunk.name) == (uri, trunk)


def test_only_a_trunks_own_gateway_is_shown_its_password() -> None:
    assert find_way("tel:4008001234", TRUNKS).credentials is PASSWORD
    assert find_way("sip:a@pbx.example", TRUNKS).credentials is None
    assert find_way("tel:+8610", TRUNKS).credentials is None


@pytest.mark.parametrize(
    "target", ["sip:a@evil.example", "tel:+1900123456", "tel:110", "sip:a@pbx.example.evil.example", "sip:a@192.0.2.9"]
)
def test_others_are_not_called(target: str) -> None:
    with pytest.raises(SipForbiddenError):
        find_way(target, TRUNKS)
    with pytest.raises(SipForbiddenError):
        find_way(target, (Trunk("plain"),))


@pytest.mark.parametrize(
    "target",
    [
        "",
        "expert",
        "http://pbx.example",
        "mailto:a@pbx.example",
        "sip:",
        "sip:@pbx.example",
        "sip:a@pbx.example?Replaces=x",
        "sip:a@pbx.example;method=BYE",
        "sip:a@pbx.example;maddr=evil.example",
        "sip:a@pbx.example;transport=ws",
        "sip:a b@pbx.example",
        "sip:a@pbx.example\r\nX-Injected: y",
        "sip:a@pbx.example>;<sip:b@evil.example",
        "tel:",
        "tel:+",
        "tel:+86 21",
        "tel:+86abc",
        "tel:" + "1" * 40,
        "sip:a@pbx.example:99999",
    ],
)
def test_what_is_no_plain_address_is_told(target: str) -> None:
    with pytest.raises(SipTargetError):
        find_way(target, TRUNKS)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "sip:", "sips:", "tel:", "<sip:", "sip:a@pbx.example"]))
def test_whatever_is_typed_only_what_is_allowed_is_called(text: str, before: str) -> None:
    with suppress(SipTargetError):
        uri = find_way(before + text, TRUNKS).uri
        assert uri.isprintable()
        assert (
            uri.rpartition("@")[2]
            .partition(";")[0]
            .lower()
            .startswith(("pbx.example", "127.0.0.1", "sip.provider.example", "192.0.2.9"))
        )
