"""A request to send to many: which items are refused, what is said about them, and that every device is reached once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.bulk import (
    SHOWN_ERRORS,
    BulkRequest,
    OnInvalid,
    WrongItem,
    check_refused,
    give_once,
    recall_refused,
    record_refused,
    wrong_item,
)
from fanfare.domain.errors import FieldError, InvalidRequest, TemplateInactive
from tests.factories import a_recipient, a_token

WRONG = WrongItem("invalid_request", "title: is missing", (FieldError("title", "is missing"),))


def _request(size: int = 3, **fields: Any) -> BulkRequest:
    usual: dict[str, Any] = {"path": "messages", "size": size, "items": {}, "raw": {}, "request_hash": "hash-1"}
    return BulkRequest(**usual | fields)


def test_wrong_item_says_what_is_wrong_with_its_fields() -> None:
    assert wrong_item(InvalidRequest.at("title", "is missing")) == WRONG


def test_what_names_no_field_is_wrong_with_the_template() -> None:
    error = TemplateInactive("The template is switched off.")
    assert wrong_item(error) == WrongItem("template_inactive", error.detail, (FieldError("template", error.detail),))


def test_nothing_is_refused_where_nothing_is_wrong() -> None:
    check_refused(_request(), {})


def test_one_wrong_item_refuses_all_and_is_named_by_its_place() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_refused(_request(), {2: WRONG, 0: WrongItem("invalid_request", "is none", (FieldError("", "is none"),))})
    assert refused.value.errors == (FieldError("messages.0", "is none"), FieldError("messages.2.title", "is missing"))
    assert str(refused.value) == "messages.0: is none; messages.2.title: is missing"


def test_wrong_items_are_skipped_unless_all_of_them_are_wrong() -> None:
    skipping = _request(2, on_invalid=OnInvalid.SKIP)
    check_refused(skipping, {1: WRONG})
    with pytest.raises(InvalidRequest):
        check_refused(skipping, {0: WRONG, 1: WRONG})


def test_first_errors_are_named() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_refused(_request(100), dict.fromkeys(range(100), WRONG))
    assert [error.field for error in refused.value.errors] == [f"messages.{index}.title" for index in range(SHOWN_ERRORS)]


def test_refused_items_are_recorded_by_code_and_recalled_in_full_where_they_are_still_wrong() -> None:
    other = WrongItem("duplicate_recipient", "to: reaches a device that messages.0 reaches already")
    recorded = record_refused({"on_invalid": "skip"}, 5, {3: WRONG, 1: WRONG, 4: other})
    assert recorded == {"on_invalid": "skip", "accepted": 2, "refused": {"invalid_request": [1, 3], "duplicate_recipient": [4]}}
    assert recall_refused(recorded, {1: WRONG, 2: WRONG}) == {
        1: WRONG,
        3: WrongItem("invalid_request", "It was refused when this request came first."),
        4: WrongItem("duplicate_recipient", "It was refused when this request came first."),
    }


def test_request_without_refused_items_records_none() -> None:
    recorded = record_refused({}, 5, {})
    assert (recorded, recall_refused(recorded, {})) == ({"accepted": 5}, {})


def test_item_that_reaches_a_device_of_an_earlier_one_is_refused_with_all_its_rows() -> None:
    first, second, third = (a_recipient(device_id=name) for name in "abc")
    rows, refused = give_once("messages", {0: [first], 2: [second, first], 5: [second, third]})
    assert rows == [first, second, third], "what was refused takes nobody from a later item"
    assert refused == {
        2: WrongItem(
            "duplicate_recipient",
            "to: reaches a device that messages.0 reaches already",
            (FieldError("to", "reaches a device that messages.0 reaches already"),),
        )
    }


@given(st.dictionaries(st.integers(0, 20), st.lists(st.sampled_from("abcdef"), max_size=3, unique=True)))
def test_every_target_is_reached_once(named: dict[int, list[str]]) -> None:
    rows, refused = give_once("messages", {index: [a_recipient(target=a_token(name)) for name in names] for index, names in named.items()})
    reached = [row.target for row in rows]
    assert len(set(reached)) == len(reached)
    assert set(reached) == {a_token(name) for index, names in named.items() if index not in refused for name in names}
