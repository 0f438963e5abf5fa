"""Packed rows: what was packed is what is read, and a blob of an unknown format is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.packing import (
    RECIPIENTS_FORMAT,
    RESULTS_FORMAT,
    UnknownFormat,
    pack_recipients,
    pack_results,
    unpack_recipients,
    unpack_results,
)
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import MOST_RECIPIENTS
from fanfare.domain.target import Target
from tests.factories import a_recipient, a_token

_text = st.text(max_size=10)
_platforms = st.none() | st.sampled_from(Platform)
_instants = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive limits
_recipients = st.builds(
    Recipient,
    device_id=_text,
    target=st.builds(Target, st.sampled_from(TargetKind), _text),
    platform=_platforms,
    locale=st.none() | _text,
    username=st.none() | _text,
    content=st.none(),
)
_results = st.builds(
    Result,
    outcome=st.sampled_from(Outcome),
    detail=_text,
    http_status=st.integers(0, 599),
    attempts=st.integers(0, 1_000),
    platform=_platforms,
    username=st.none() | _text,
    due_at=_instants,
    since=_instants,
    dead_letter=st.booleans(),
)


@given(st.lists(_recipients, max_size=6))
def test_recipients_are_read_as_they_were_packed(rows: list[Recipient]) -> None:
    assert unpack_recipients(pack_recipients(iter(rows))) == tuple(rows)


@given(st.dictionaries(_text, _results, max_size=6))
def test_results_are_read_as_they_were_packed_in_their_order(results: dict[str, Result]) -> None:
    unpacked = unpack_results(pack_results(results))
    assert list(unpacked.items()) == list(results.items())
    assert all(type(row.outcome) is Outcome for row in unpacked.values())


def test_kinds_and_platforms_are_read_as_members_and_not_as_text() -> None:
    row = unpack_recipients(pack_recipients([a_recipient()]))[0]
    assert (type(row.target.kind), type(row.platform)) == (TargetKind, Platform)


def test_topic_is_packed_without_a_platform() -> None:
    row = a_recipient(device_id="", target=Target(TargetKind.TOPIC, "news"), platform=None)
    assert unpack_recipients(pack_recipients([row])) == (row,)


def test_full_chunk_of_usual_tokens_fits_into_a_document_several_times() -> None:
    rows = [a_recipient(device_id=f"{number:022}", target=a_token(value="x" * 163), username="alice") for number in range(MOST_RECIPIENTS)]
    assert len(pack_recipients(rows)) < 150_000


@pytest.mark.parametrize(("format_", "blob"), [(RECIPIENTS_FORMAT, pack_recipients([])), (RESULTS_FORMAT, pack_results({}))])
def test_blob_is_json_behind_its_format(format_: int, blob: bytes) -> None:
    assert blob[0] == format_
    assert all(column == [] for column in json.loads(blob[1:]).values())


@pytest.mark.parametrize("unpack", [unpack_recipients, unpack_results])
@pytest.mark.parametrize(
    ("blob", "said"),
    [(b"", "format none is not 1"), (b"\x00{}", "format 0 is not 1"), (b"\x03{}", "format 3 is not 1"), (b"{}", "format 123 is not 1")],
)
def test_unknown_format_is_refused(unpack: object, blob: bytes, said: str) -> None:
    assert callable(unpack)
    with pytest.raises(UnknownFormat, match=said):
        unpack(blob)


@pytest.mark.parametrize("column", ["id", "kind", "target", "platform", "locale", "username"])
def test_blob_with_a_column_too_short_is_refused_and_not_cut(column: str) -> None:
    ios = a_recipient(device_id="2", target=Target(TargetKind.FID, "f"), platform=Platform.IOS, locale="sw", username="bob")
    columns = json.loads(pack_recipients([a_recipient(device_id="1"), ios])[1:])
    columns[column].pop()
    with pytest.raises(ValueError, match=r"is (longer|shorter) than"):
        unpack_recipients(bytes([RECIPIENTS_FORMAT]) + json.dumps(columns).encode())


def test_value_that_all_rows_share_is_written_once() -> None:
    rows = [a_recipient(device_id=str(number), username="alice") for number in range(500)]
    assert pack_recipients(rows).count(b"alice") == 1
    assert unpack_recipients(pack_recipients(rows)) == tuple(rows)
