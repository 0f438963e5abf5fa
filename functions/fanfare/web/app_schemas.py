"""Tenants as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from fanfare.web.schema import Identifier, In, Name
from fanfare.web.setting_schemas import SettingsIn

_Project = Annotated[str, StringConstraints(min_length=4, max_length=128)]
_Credential = Annotated[
    dict[str, Any], Field(description="A Google service account's JSON object; it is stored in Secret Manager and never returned.")
]
_EXAMPLE: Any = {
    "keepalive": {"enabled": True, "max_silence_days": 7, "night": {"from": "22:00", "to": "07:00"}}, "retention_days": {"notifications": 30},
    "cors_origins": ["https://app.example.com"], "timezone": "Africa/Dar_es_Salaam", "channels": [{"id": "orders", "name": "Orders"}],
}  # fmt: skip


class AppPath(In):
    """Which tenant."""

    id: Identifier


class AppIn(SettingsIn):
    """A tenant to make: its project is the credential's, or is named where the tenant's admin brings the credential later."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Shop", "firebase_project_id": "shop-12345"}]})

    name: Name
    firebase_project_id: _Project | None = None
    credential: _Credential | None = None


class AppUpdate(SettingsIn):
    """What is to change of a tenant; a new credential is tried with FCM first, and used only if FCM accepts it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name | None = None
    credential: _Credential | None = None


class ReleaseIn(In):
    """What becomes of the targets that the brake held: keep them active, or retire them after all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"targets": "keep"}]})

    targets: Literal["keep", "retire"]
