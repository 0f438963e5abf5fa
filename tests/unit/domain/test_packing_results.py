"""What is packed comes back as it was, and a blob of another format is refused instead of guessed at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.packing import UnknownFormat, pack_recipients, pack_results, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import MOST_RECIPIENTS
from fanfare.domain.target import Target
from tests.factories import NOW, a_recipient

quick = settings(max_examples=50, deadline=None, database=None)

_texts = st.text(max_size=12)
_platforms = st.none() | st.sampled_from(Platform)
_instants = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the bounds are naive
_results = st.builds(
    Result,
    st.sampled_from(Outcome),
    _texts,
    st.integers(0, 599),
    st.integers(0, 99),
    _platforms,
    st.none() | _texts,
    _instants,
    _instants,
    st.booleans(),
)
_targets = st.builds(Target, st.sampled_from(TargetKind), _texts)
_recipients = st.builds(Recipient, _texts, _targets, _platforms, st.none() | _texts, st.none() | _texts, st.none())


@quick
@given(st.dictionaries(_texts, _results, max_size=8))
def test_results_come_back_as_they_were_and_in_their_order(results: dict[str, Result]) -> None:
    unpacked = unpack_results(pack_results(results))
    assert unpacked == results
    assert list(unpacked) == list(results)


@quick
@given(st.lists(_recipients, max_size=8))
def test_recipients_come_back_as_they_were_and_in_their_order(recipients: list[Recipient]) -> None:
    assert unpack_recipients(pack_recipients(recipients)) == tuple(recipients)


def test_due_times_come_back_to_the_microsecond_and_aware() -> None:
    due = NOW + timedelta(seconds=12, microseconds=345_679)
    unpacked = unpack_results(pack_results({"d": Result(Outcome.RETRYING, "UNAVAILABLE", 503, 1, due_at=due, since=NOW)}))["d"]
    assert (unpacked.due_at, unpacked.since) == (due, NOW)
    assert unpacked.due_at is not None
    assert unpacked.due_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("blob", [b"", b"\x00", b'\x03{"id":[]}', b'\xff{"id":[]}', b'{"id":[]}'])
def test_blob_of_an_unknown_format_is_refused(blob: bytes) -> None:
    with pytest.raises(UnknownFormat):
        unpack_results(blob)
    with pytest.raises(UnknownFormat):
        unpack_recipients(blob)


@pytest.mark.parametrize("blob", [b"\x01", b"\x01{", b'\x01{"id": ["d"', b"\x01\xff"])
def test_damaged_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack_results(blob)


def test_columns_of_different_lengths_are_refused() -> None:
    packed = pack_results({"d": Result(Outcome.SENT, "m", 200, 1), "e": Result(Outcome.SENT, "n", 200, 2)})
    with pytest.raises(ValueError, match="zip"):
        unpack_results(packed.replace(b'"attempts":[1,2]', b'"attempts":[1]'))


def test_full_chunk_of_the_longest_usual_targets_fits_a_document() -> None:
    """Firestore holds a mebibyte, of which a chunk's recipients and results are to take 700 KiB at most."""
    rows = [
        a_recipient(device_id=f"{number:022}", target=Target(TargetKind.TOKEN, "t" * 300), username="u" * 64) for number in range(MOST_RECIPIENTS)
    ]
    results = {row.device_id: Result(Outcome.SENT, "n" * 512, 200, 1, row.platform, row.username, NOW, NOW) for row in rows}
    assert len(pack_recipients(rows)) < 700 * 1024
    assert len(pack_results(results)) < 700 * 1024
