"""Whom a token is wanted for."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from fanfare.web.schema import Identifier, In


class StreamTokenIn(In):
    """Who is to listen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"profile_id": "w1Xy2Zk3mN4pQ5rS6tU7vA"}, {}]})

    profile_id: Identifier | None = Field(None, description="Whose app is to listen; without it a client's token is for all notifications.")
