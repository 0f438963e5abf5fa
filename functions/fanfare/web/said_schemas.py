"""What a request to send says, and which of its addressees it means, as the API takes it: the same for one message and for each of many."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.segment import Segment
from fanfare.domain.variables import Variables
from fanfare.web.schema import In, ShortText
from fanfare.web.segment_schemas import SegmentIn
from fanfare.web.variable_schemas import TemplateName, VariablesIn, parse_variables

_Text = Annotated[str, StringConstraints(max_length=4096)]
_Block = dict[str, Any]


class ActionIn(In):
    """A button: `id` is what the app is told, `title` what the person reads."""

    id: ShortText
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SaidIn(In):
    """A message as a caller says it, by itself or by a template."""

    template: TemplateName | None = Field(None, description="Says what the request does not say itself; the request's own texts are literal.")
    variables: VariablesIn | None = Field(None, description="Values of the template's variables.", examples=[{"order_id": "1234"}])
    title: _Text | None = None
    body: _Text | None = None
    data: dict[str, str] | None = None
    priority: Literal["high", "normal"] | None = None
    ttl_seconds: Annotated[int, Field(ge=0, le=MAX_TTL_SECONDS)] | None = None
    collapse_key: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    group: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    image_url: Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://")] | None = None
    deep_link: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None
    actions: Annotated[list[ActionIn], Field(max_length=5)] | None = None
    channel: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    sound: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    badge: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    silent: bool | None = None
    receipts: bool | None = Field(None, description="False: the message carries no token by which its app could report that it came or was read.")
    only: SegmentIn | None = None
    android: _Block | None = Field(None, description="FCM's AndroidConfig; its fields win over what is derived from the neutral ones.")
    apns: _Block | None = Field(None, description="FCM's ApnsConfig.")
    webpush: _Block | None = Field(None, description="FCM's WebpushConfig.")

    def segment(self) -> Segment:
        """Which of the addressed devices are meant."""
        return self.only.segment("only") if self.only else Segment()

    def values(self) -> Variables:
        """The template's variables; InvalidRequest names what is wrong with them."""
        if self.variables and self.template is None:
            raise InvalidRequest.at("variables", "need a template")
        return parse_variables(self.variables, "variables")
