"""API clients as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from fanfare.domain.callers import MOST_RANGES
from fanfare.domain.client_rules import LONGEST_AUTO_ROTATE_DAYS
from fanfare.domain.limits import LARGEST_LIMIT
from fanfare.domain.rotation import DEFAULT_OVERLAP_SECONDS, LONGEST_OVERLAP_SECONDS
from fanfare.web.instants import Instant
from fanfare.web.schema import Identifier, In, Name

ScopeName = Literal["send", "read", "devices", "templates", "webhooks", "admin", "platform"]
GroupName = Literal["send", "bulk", "devices", "analytics", "other"]
_Range = Annotated[str, StringConstraints(min_length=2, max_length=64)]
_Scopes = Annotated[list[ScopeName], Field(min_length=1, max_length=7)]
_Expiry = Annotated[Instant, Field(strict=False)]
_EXAMPLE: Any = {
    "name": "Order service", "scopes": ["send", "read"], "ip_allowlist": ["203.0.113.0/24"], "limits": {"send": 600}, "auto_rotate_days": 90,
}  # fmt: skip


class ClientPath(In):
    """Which client."""

    id: Identifier


class ClientFields(In):
    """What may be said of a client; what is left out stays as it was, null takes it back."""

    ip_allowlist: Annotated[list[_Range], Field(max_length=MOST_RANGES)] | None = Field(
        None, description="Addresses and ranges that it may call from; none lets every address in."
    )
    expires_at: _Expiry | None = Field(None, description="When its tokens end; follows from `auto_rotate_days` where that is given.")
    limits: dict[GroupName, Annotated[int, Field(ge=0, le=LARGEST_LIMIT)]] | None = Field(
        None, description="Requests a minute by group of routes; a group that is not named has everybody's limit."
    )
    auto_rotate_days: Annotated[int, Field(ge=1, le=LONGEST_AUTO_ROTATE_DAYS)] | None = Field(
        None, description="Its token lives so many days and has to be rotated within them, by itself or by an admin."
    )

    def given(self) -> dict[str, Any]:
        """The fields that the request names; null takes a field back, but a name and scopes, which every client has, stay."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in said.items() if value is not None or name not in {"name", "scopes"}}


class ClientIn(ClientFields):
    """A client to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    scopes: _Scopes


class ClientUpdate(ClientFields):
    """What is to change of a client."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scopes": ["send", "read"], "ip_allowlist": ["203.0.113.0/24"]}]})

    name: Name | None = None
    scopes: _Scopes | None = None


class RotateIn(In):
    """How long the token before still opens: 0 ends it at once, which other instances learn within a minute."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_SECONDS)] = DEFAULT_OVERLAP_SECONDS
