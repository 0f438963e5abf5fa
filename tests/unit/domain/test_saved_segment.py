"""Saved segments: what changes them, and that a document which a hand has broken is read and means nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.saved_segment import LONGEST_DEFECT, SavedSegment, changed, read_saved_segment
from fanfare.domain.segment import Segment
from tests.factories import NOW

BETA, LATER = Segment(tags=("beta",)), NOW + timedelta(hours=1)
SAVED = SavedSegment("s1", "Beta", BETA, NOW, NOW)
GOOD: dict[str, Any] = {"name": "Beta", "filter": {"tags": ["beta"]}, "created_at": NOW, "updated_at": NOW}
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(NOW),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tags", "platform", "app_version", "x"]), inner, max_size=3),
    max_leaves=6,
)


def test_change_is_what_is_asked_for() -> None:
    assert changed(SAVED, "All", Segment(), LATER) == SavedSegment("s1", "All", Segment(), NOW, LATER)


def test_same_again_changes_nothing() -> None:
    assert changed(SAVED, "Beta", BETA, LATER) is SAVED


def test_change_mends_what_was_broken() -> None:
    broken = SavedSegment("s1", "Beta", None, NOW, NOW, "filter: must be an object")
    assert changed(broken, "Beta", BETA, LATER) == SavedSegment("s1", "Beta", BETA, NOW, LATER)


def test_good_document_is_read() -> None:
    assert read_saved_segment("s1", GOOD, LATER) == SAVED


def test_document_without_times_has_that_of_its_writing() -> None:
    assert read_saved_segment("s1", {**GOOD, "created_at": "x", "updated_at": None}, LATER) == SavedSegment("s1", "Beta", BETA, LATER, LATER)


@pytest.mark.parametrize("filter_", [None, [], "everyone", {"tag": ["beta"]}, {"tags": "beta"}, {"app_version": "x"}])
def test_broken_filter_means_nobody_and_never_everyone(filter_: object) -> None:
    read = read_saved_segment("s1", {**GOOD, "filter": filter_}, LATER)
    assert (read.name, read.filter) == ("Beta", None)
    assert read.defect is not None
    assert read.defect.startswith("filter")


@pytest.mark.parametrize("name", [None, 5, "", "x" * 101, "a\nb"])
def test_broken_name_is_a_defect(name: object) -> None:
    read = read_saved_segment("s1", {**GOOD, "name": name}, LATER)
    assert read.filter is None
    assert read.defect is not None
    assert read.defect.startswith("name: ")
    assert read.name == (name if isinstance(name, str) else "s1")


@given(st.dictionaries(st.sampled_from([*GOOD, "x"]), _anything, max_size=5))
def test_whatever_a_hand_wrote_is_read_with_a_filter_or_a_defect(stored: dict[str, Any]) -> None:
    read = read_saved_segment("s1", stored, NOW)
    assert (read.filter is None) == (read.defect is not None)
    assert len(read.defect or "") <= LONGEST_DEFECT
