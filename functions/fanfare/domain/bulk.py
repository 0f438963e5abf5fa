"""A request to send to many: a message for each of them, or one message for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from fanfare.domain.errors import DuplicateRecipient, FanfareError, FieldError, InvalidRequest
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import SendRequest
from fanfare.domain.target import Target

MOST_MESSAGES = 10_000
MOST_REACHED = 20_000
"""Devices that one request may reach: each of them is read."""
MOST_TEMPLATES = 20
"""Templates that one request may name: each chunk holds those of its rows."""
SHOWN_ERRORS = 50


class OnInvalid(StrEnum):
    """What becomes of a request some of whose items are wrong: nothing is sent, or all but those."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class WrongItem:
    """Why an item is refused: a permanent code, a sentence, and its wrong fields, by their paths within the item."""

    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()


Refused = Mapping[int, WrongItem]
"""What is wrong with which item."""


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Items by their places in the request, `size` of them, and those that are wrong in form.

    Where they are `separate` an item is a message with its own addressees; else all of them are addressees of the one message, `items[0]`.
    `path` is the list that they stand in. `raw` is what is stored of the request and shown.
    """

    path: str
    size: int
    items: Mapping[int, SendRequest]
    raw: Mapping[str, Any]
    request_hash: str
    separate: bool = True
    on_invalid: OnInvalid = OnInvalid.REFUSE
    validate_only: bool = False
    refused: Refused = field(default_factory=dict)


def wrong_item(error: FanfareError) -> WrongItem:
    """An item's refusal; what names no field of it is wrong with its template."""
    errors = error.errors if isinstance(error, InvalidRequest) else (FieldError("template", error.detail),)
    return WrongItem(error.code, error.detail, errors)


def check_refused(request: BulkRequest, refused: Refused) -> None:
    """Raise InvalidRequest that names the first fifty errors if nothing is to be sent: an item is wrong and that matters, or all of them are."""
    if refused and (request.on_invalid is OnInvalid.REFUSE or len(refused) == request.size):
        errors = tuple(_located(request.path, refused))[:SHOWN_ERRORS]
        raise InvalidRequest("; ".join(map(str, errors[:5])), errors)


def _located(path: str, refused: Refused) -> Iterator[FieldError]:
    for index in sorted(refused):
        yield from (FieldError(".".join(filter(None, (path, str(index), error.field))), error.message) for error in refused[index].errors)


def give_once(path: str, rows: Mapping[int, Sequence[Recipient]]) -> tuple[Sequence[Recipient], Refused]:
    """The rows of all items in the items' order, and the items that reach a target of an earlier one: they are refused, with all their rows."""
    kept: list[Recipient] = []
    refused: dict[int, WrongItem] = {}
    taken: dict[Target, int] = {}
    for index in sorted(rows):
        earlier = next((taken[row.target] for row in rows[index] if row.target in taken), None)
        if earlier is None:
            taken.update((row.target, index) for row in rows[index])
            kept += rows[index]
        else:
            refused[index] = wrong_item(DuplicateRecipient.at("to", f"reaches a device that {path}.{earlier} reaches already"))
    return kept, refused


def record_refused(raw: Mapping[str, Any], size: int, refused: Refused) -> Mapping[str, Any]:
    """What is stored of a request once it is known how many of its items are accepted, and which are not, by the code of what is wrong with them."""
    recorded: dict[str, list[int]] = {}
    for index in sorted(refused):
        recorded.setdefault(refused[index].code, []).append(index)
    return {**raw, "accepted": size - len(refused), **({"refused": recorded} if recorded else {})}


def recall_refused(raw: Mapping[str, Any], known: Refused) -> Refused:
    """What was wrong with the items that a stored request says were refused; in full where it can still be told (`known`)."""
    recorded: Mapping[str, Iterable[int]] = raw.get("refused", {})
    codes = {index: code for code, indexes in recorded.items() for index in indexes}
    return {index: _recalled(codes[index], known.get(index)) for index in sorted(codes)}


def _recalled(code: str, known: WrongItem | None) -> WrongItem:
    return replace(known, code=code) if known is not None else WrongItem(code, "It was refused when this request came first.")
