"""Replies to keepalive pings as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from fanfare.domain.message import TargetKind
from fanfare.domain.target import check_device_target
from fanfare.services.keepalive_reply import Replying
from fanfare.web.schema import DeviceTarget, Identifier, In, exactly_one

_WAYS = ("token", "fid", "device_id", "receipt")
_EXAMPLES: Any = [{"fid": "cDemoInstallationIdIos"}]


class ReplyIn(In):
    """Which device replies: exactly one of its token, its fid, our id of it, and the receipt of the ping (`data.fanfare_receipt`).

    An app that has no other credential gives the receipt together with the id of its Firebase project.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _WAYS], "examples": _EXAMPLES})

    token: DeviceTarget | None = None
    fid: DeviceTarget | None = None
    device_id: Identifier | None = Field(None, description="The device's `id`, not the app's own name for it.")
    receipt: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    project: (
        Annotated[str, Field(min_length=1, max_length=64, description="Of the app, in Firebase; for a receipt without another credential.")] | None
    ) = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        exactly_one(*_WAYS)(self)
        return self

    def replying(self) -> Replying:
        """The body as the service has it; a target of whatever shape: one that nobody can register is not found."""
        if self.token is not None:
            return Replying(target=check_device_target(TargetKind.TOKEN, self.token, "token"))
        if self.fid is not None:
            return Replying(target=check_device_target(TargetKind.FID, self.fid, "fid"))
        return Replying(device_id=self.device_id, receipt=self.receipt)
