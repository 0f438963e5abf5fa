"""Rows that are not all told the same: who is told what comes back, and what many share is written once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.content import Content
from fanfare.domain.packing import CONTENTS_FORMAT, RECIPIENTS_FORMAT, UnknownFormat, pack_recipients, unpack_recipients, unpack_results
from fanfare.domain.recipient import Recipient
from fanfare.domain.template import Template
from fanfare.domain.template_text import Syntax
from fanfare.domain.wording import Wording, wording_of
from tests.factories import NOW, a_recipient

_TEMPLATES = [
    Template(
        name=name,
        message={"title": "Order {{order}}", "data": {"order": "{{order}}"}},
        created_at=NOW,
        updated_at=NOW,
        platforms={"ios": {"sound": "chime"}},
        locales={"sw-TZ": {"title": "Agizo {{order}}, {{username}}"}},
        defaults={"username": "you"},
    )
    for name in ("order", "invoice")
]
_variables = st.dictionaries(st.sampled_from(("order", "username")), st.text(max_size=5) | st.integers() | st.booleans(), max_size=2)
_wordings = st.none() | st.builds(wording_of, st.sampled_from(_TEMPLATES), _variables, st.just({}))
_contents = st.builds(Content, st.dictionaries(st.sampled_from(("title", "body")), st.text(max_size=5)), st.integers(0, 2_419_200), _wordings)
_places = st.lists(st.none() | st.integers(0, 2), max_size=6)


def _rows(contents: Sequence[Content | None]) -> list[Recipient]:
    return [a_recipient(device_id=str(number), content=content) for number, content in enumerate(contents)]


def _told(rows: Sequence[Recipient]) -> list[Any]:
    return [row.content and (row.content.own, row.content.ttl_seconds, row.content.wording) for row in rows]


@given(st.lists(_contents, min_size=3, max_size=3), _places)
def test_everybody_is_told_what_was_packed(contents: list[Content], places: list[int | None]) -> None:
    rows = _rows([None if place is None else contents[place] for place in places])
    unpacked = unpack_recipients(pack_recipients(rows))
    assert _told(unpacked) == _told(rows)
    assert [row._replace(content=None) for row in unpacked] == [row._replace(content=None) for row in rows]


@given(st.lists(_contents, min_size=3, max_size=3), _places)
def test_rows_that_share_a_content_share_it_again(contents: list[Content], places: list[int | None]) -> None:
    unpacked = unpack_recipients(pack_recipients(_rows([None if place is None else contents[place] for place in places])))
    for one, other in pairwise(unpacked):
        told = places[int(one.device_id)], places[int(other.device_id)]
        assert (one.content is other.content) == (told[0] == told[1])


def test_equal_contents_that_are_two_stay_two() -> None:
    first, second = unpack_recipients(pack_recipients(_rows([Content({}, 60), Content({}, 60)])))
    assert first.content is not second.content


def test_rows_without_contents_are_of_the_format_that_older_instances_read() -> None:
    assert pack_recipients(_rows([None, None]))[0] == RECIPIENTS_FORMAT
    assert "content" not in json.loads(pack_recipients(_rows([None]))[1:])
    assert pack_recipients(_rows([None, Content({}, 60)]))[0] == CONTENTS_FORMAT


def test_template_that_many_are_worded_by_is_written_once() -> None:
    wordings = [wording_of(_TEMPLATES[0], {"order": str(number)}, {}) for number in range(100)]
    blob = pack_recipients(_rows([Content({}, 60, wording) for wording in wordings]))
    assert (blob.count(b"Agizo"), blob.count(b"chime")) == (1, 1)
    assert [row.content and row.content.wording for row in unpack_recipients(blob)] == wordings


def test_templates_of_equal_names_are_told_apart() -> None:
    """A template may be changed between two requests, and its name stays."""
    old, new = (Wording("order", version, Syntax.DOUBLE, {"title": f"Version {version}"}, {}, {}, {}) for version in (1, 2))
    rows = unpack_recipients(pack_recipients(_rows([Content({}, 60, old), Content({}, 60, new), Content({}, 60, replace(old, personal=True))])))
    assert [row.content and row.content.wording for row in rows] == [old, new, replace(old, personal=True)]


def test_blob_with_a_column_of_contents_too_short_is_refused_and_not_cut() -> None:
    columns = json.loads(pack_recipients(_rows([Content({}, 60), None]))[1:])
    columns["content"].pop()
    with pytest.raises(ValueError, match="is shorter than"):
        unpack_recipients(bytes([CONTENTS_FORMAT]) + json.dumps(columns).encode())


def test_results_are_never_of_the_format_of_contents() -> None:
    with pytest.raises(UnknownFormat, match="format 2 is not 1"):
        unpack_results(bytes([CONTENTS_FORMAT]) + b"{}")
