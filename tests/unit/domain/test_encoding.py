"""Bytes with two kinds of holes: what is spliced in equals what encoding the whole message would give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.encoding import encode
from fanfare.domain.message import Message, Platform, TargetKind
from tests.messages import rendered

_platforms = st.none() | st.sampled_from(Platform)
_texts = st.text(max_size=8) | st.sampled_from(["splice-0", '"splice-1"', 'x"splice-0"y', "\\", '"', "\u2028", "\x00"])


def whole(rendering: dict[str, Any], kind: TargetKind, target: str, receipt: str) -> dict[str, Any]:
    """The request as a dictionary, made without splicing."""
    made = json.loads(json.dumps(rendering))
    for holder in (made, *(made.get(block, {}) for block in ("android", "webpush"))):
        if "data" in holder:
            holder["data"]["fanfare_receipt"] = receipt
    return {"message": {kind.value: target, **made}}


@settings(max_examples=60, deadline=None, database=None)
@given(_texts, _texts, _texts, _texts, _platforms, st.sampled_from(TargetKind))
def test_spliced_bytes_are_the_whole_message(title: str, value: str, target: str, receipt: str, platform: Platform | None, kind: TargetKind) -> None:
    rendering = rendered(Message(title=title, data={value: title}, android={"data": {"k": value}}), platform)
    spliced = encode(rendering, kind=kind).splice(target, receipt)
    assert json.loads(spliced) == whole(rendering, kind, target, receipt)


def test_every_data_object_of_a_topic_carries_the_receipt() -> None:
    rendering = rendered(Message(body="B", android={"data": {"a": "1"}}, webpush={"data": {"b": "2"}}), None)
    message = json.loads(encode(rendering, kind=TargetKind.TOPIC).splice("news", "r"))["message"]
    assert [holder["data"]["fanfare_receipt"] for holder in (message, message["android"], message["webpush"])] == ["r", "r", "r"]


def test_condition_keeps_its_quotes() -> None:
    condition = "'a' in topics && \"b\" in topics"
    spliced = encode(rendered(Message(body="B"), None), kind=TargetKind.CONDITION).splice(condition, "r")
    assert json.loads(spliced)["message"]["condition"] == condition


@pytest.mark.parametrize(("validate_only", "members"), [(True, {"message", "validate_only"}), (False, {"message"})])
def test_validate_only_is_sent_only_when_asked(validate_only: bool, members: set[str]) -> None:  # noqa: FBT001 - a case of the table
    encoded = encode(rendered(Message(body="B")), kind=TargetKind.FID, validate_only=validate_only)
    assert set(json.loads(encoded.splice("t", "r"))) == members


def test_one_encoding_serves_many_recipients() -> None:
    encoded = encode(rendered(Message(body="Habari \u00e9\U0001f41f")), kind=TargetKind.TOKEN)
    first, second = (json.loads(encoded.splice(target, receipt))["message"] for target, receipt in (("t1", "r1"), ("t2", "r2")))
    assert (first["token"], second["token"]) == ("t1", "t2")
    assert (first["data"]["fanfare_receipt"], second["data"]["fanfare_receipt"]) == ("r1", "r2")
    assert first["notification"] == second["notification"] == {"body": "Habari \u00e9\U0001f41f"}


@pytest.mark.parametrize("platform", [None, *Platform])
def test_message_without_receipts_is_as_it_was_rendered(platform: Platform | None) -> None:
    rendering = rendered(Message(body="splice-0", data={"k": "splice-0"}, android={"data": {"a": "1"}}), platform)
    encoded = encode(rendering, kind=TargetKind.TOKEN, receipts=False)
    assert not encoded.has_receipts
    assert json.loads(encoded.splice("t", "")) == {"message": {"token": "t", **rendering}}
    assert encode(rendering, kind=TargetKind.TOKEN).has_receipts
