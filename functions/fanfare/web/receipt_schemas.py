"""Receipts as the API takes and answers them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from fanfare.domain.receipts import MOST_RECEIPTS, ReceiptEvent, Report
from fanfare.services.take_receipts import Taken
from fanfare.web.instants import Instant
from fanfare.web.schema import Identifier, In, Out

_At = Annotated[Instant, Field(strict=False)]
_EXAMPLE: Any = {
    "receipts": [{"token": "notification-id.device-id.mac", "event": "delivered", "at": "2026-11-24T08:00:00Z"}],
    "project": "acme-app",
    "on_invalid": "skip",
}


class ReceiptIn(In):
    """What an app reports of one message: that it was delivered or read."""

    token: Annotated[str, Field(min_length=1, max_length=256, description="`data.fanfare_receipt` of the message.")]
    event: Literal["delivered", "read"]
    at: _At | None = Field(None, description="When, by the app's clock (null: now). A time to come counts as now.")
    device_id: Identifier | None = Field(None, description="The device, for the token of a topic's message alone: it names none.")

    def report(self) -> Report:
        """The receipt as the domain has it."""
        return Report(self.token, ReceiptEvent(self.event), self.at, self.device_id)


class ReceiptsIn(In):
    """What apps report of messages. An app that has no other credential gives the id of its Firebase project."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    receipts: Annotated[list[ReceiptIn], Field(min_length=1, max_length=MOST_RECEIPTS)]
    project: Annotated[str, Field(min_length=1, max_length=64, description="Of the app, in Firebase; without another credential.")] | None = None
    on_invalid: Literal["refuse", "skip"] = Field(
        default="refuse", description="What becomes of the others if a token is forged, foreign, too late or unknown: nothing is noted, or they are."
    )

    def reports(self) -> list[Report]:
        """The receipts as the domain has them."""
        return [receipt.report() for receipt in self.receipts]


class RefusedReceiptOut(Out):
    """A receipt that was not taken: its place in the request, and why."""

    index: int
    error: Literal["invalid", "expired", "unknown", "needs_device", "names_device", "needs_caller"]


class ReceiptsOut(Out):
    """How many receipts were taken, those included that say what was known, and which were not."""

    accepted: int
    items: list[RefusedReceiptOut]


def show_taken(taken: Taken) -> dict[str, Any]:
    """What became of a batch."""
    return {"accepted": taken.accepted, "items": [{"index": each.index, "error": each.reason.value} for each in taken.rejected]}
