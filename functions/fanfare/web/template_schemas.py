"""Templates as the API takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from fanfare.domain.lifetime import MAX_TTL_SECONDS
from fanfare.domain.template import MESSAGE_FIELDS, OVERRIDABLE, Draft
from fanfare.domain.template_text import Syntax
from fanfare.web.paging import PageQuery
from fanfare.web.said_schemas import ActionIn
from fanfare.web.schema import In, Locale, Name, PlatformName, Query
from fanfare.web.variable_schemas import TemplateName, VariablesIn, parse_variables

_Title = Annotated[str, StringConstraints(max_length=255)]
_Text = Annotated[str, StringConstraints(max_length=4096)]
_Short = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_SYNTAX = "`double` for `{{variable}}`, `single` for `{variable}`; a template holds one of them."
_EXAMPLE: Any = {
    "name": "order_confirmed", "title": "Order confirmed", "body": "Hello {{name}}, your order #{{order_id}} is {{status}}",
    "data": {"order_id": "{{order_id}}"}, "priority": "high", "defaults": {"name": "friend"},
    "platforms": {"ios": {"sound": "chime.caf"}}, "locales": {"sw": {"body": "Habari {{name}}, agizo lako #{{order_id}} ni {{status}}"}},
}  # fmt: skip


class TemplatePath(In):
    """Which template."""

    name: TemplateName


class WordsIn(In):
    """What a template says; its texts may name variables."""

    title: _Title | None = None
    body: _Text | None = None
    data: dict[str, str] | None = None
    image_url: _Url | None = None
    deep_link: _Url | None = None
    actions: Annotated[list[ActionIn], Field(max_length=5)] | None = None
    channel: _Short | None = None
    sound: _Short | None = None

    def said(self, *names: str) -> dict[str, Any]:
        """What is said, as the domain has it."""
        return self.model_dump(include=set(names), exclude_none=True)


class PlatformsIn(In):
    """What is said differently on a platform."""

    android: WordsIn | None = None
    ios: WordsIn | None = None
    web: WordsIn | None = None

    def said(self) -> dict[str, dict[str, Any]]:
        """What is said, by platform, as the domain has it."""
        every = {"android": self.android, "ios": self.ios, "web": self.web}
        return {platform: words.said(*OVERRIDABLE) for platform, words in every.items() if words is not None}


class TemplateBody(WordsIn):
    """A template without its name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{key: value for key, value in _EXAMPLE.items() if key != "name"}]})

    priority: Literal["high", "normal"] | None = None
    silent: bool | None = None
    ttl_seconds: Annotated[int, Field(ge=0, le=MAX_TTL_SECONDS)] | None = None
    defaults: VariablesIn | None = Field(None, description="Values of variables that a request does not give.")
    platforms: PlatformsIn | None = None
    locales: Annotated[dict[str, WordsIn], Field(max_length=50)] | None = Field(
        None, description="What is said differently in a language: `sw` serves `sw-TZ` too, unless that has words of its own."
    )
    syntax: Literal["double", "single"] = Field("double", description=_SYNTAX)
    active: bool = True

    def draft(self) -> Draft:
        """The template as the domain has it."""
        return Draft(
            message=self.said(*MESSAGE_FIELDS),
            platforms=self.platforms.said() if self.platforms else {},
            locales={tag: words.said(*OVERRIDABLE) for tag, words in (self.locales or {}).items()},
            defaults=parse_variables(self.defaults, "defaults"),
            syntax=Syntax(self.syntax),
            active=self.active,
        )


class TemplateIn(TemplateBody):
    """A template to create; its name is unique within the tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: TemplateName


class RenderIn(In):
    """Values to try a template with; without a platform or locale, every one that it has words for is shown."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"variables": {"order_id": "1234"}, "platform": "ios", "locale": "sw-TZ"}]})

    variables: VariablesIn | None = None
    platform: PlatformName | None = None
    locale: Locale | None = None
    username: Name | None = Field(None, description="Stands for the username of a recipient.")


class TemplateQuery(PageQuery):
    """Filters of the list of templates."""

    active: bool | None = None
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")] | None = Field(
        None, description="What their names begin with."
    )


class VersionQuery(Query):
    """Which version; the present one where none is given."""

    version: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(None, description="One of the last 20 versions.")
