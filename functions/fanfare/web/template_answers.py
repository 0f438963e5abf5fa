"""Templates as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.message import Message
from fanfare.domain.payload import limit_bytes
from fanfare.domain.template import MESSAGE_FIELDS, Template
from fanfare.services.preview_template import Preview
from fanfare.web.instants import show_time
from fanfare.web.schema import Out, PlatformName


class WordsOut(Out):
    """What a template says; null says nothing."""

    title: str | None = None
    body: str | None = None
    data: dict[str, str] | None = None
    image_url: str | None = None
    deep_link: str | None = None
    actions: list[dict[str, str]] | None = None
    channel: str | None = None
    sound: str | None = None


class TemplateOut(WordsOut):
    """A template. `defect` says why one that was edited by hand can't be used."""

    name: str
    priority: Literal["high", "normal"] | None
    silent: bool | None
    ttl_seconds: int | None
    defaults: dict[str, str | bool | int | float]
    platforms: dict[str, WordsOut]
    locales: dict[str, WordsOut]
    syntax: Literal["double", "single"]
    active: bool
    version: int
    defect: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime


class TemplatePage(Out):
    """A page of templates."""

    items: list[TemplateOut]
    next_cursor: str | None


class RenderingOut(WordsOut):
    """What a recipient on a platform is told in a language (null: in any that has no words of its own), and why FCM would refuse it."""

    platform: PlatformName
    locale: str | None
    bytes: int
    limit_bytes: int
    errors: list[str]


class RenderingsOut(Out):
    """Everything that a template says with the values given."""

    version: int
    items: list[RenderingOut]


def show_template(template: Template) -> dict[str, Any]:
    """A template as the API shows it."""
    return {
        "name": template.name,
        **{name: template.message.get(name) for name in MESSAGE_FIELDS},
        "defaults": dict(template.defaults),
        "platforms": {platform: dict(said) for platform, said in template.platforms.items()},
        "locales": {tag: dict(said) for tag, said in template.locales.items()},
        "syntax": template.syntax.value,
        "active": template.active,
        "version": template.version,
        "defect": template.defect,
        "created_by": template.created_by,
        "created_at": show_time(template.created_at),
        "updated_at": show_time(template.updated_at),
    }


def show_preview(preview: Preview) -> dict[str, Any]:
    """One rendering as the API shows it."""
    return {
        "platform": preview.platform.value,
        "locale": preview.locale,
        **_show_words(preview.message),
        "bytes": preview.size_bytes,
        "limit_bytes": limit_bytes(preview.platform),
        "errors": list(preview.errors),
    }


def _show_words(message: Message) -> dict[str, Any]:
    return {
        "title": message.title,
        "body": message.body,
        "data": dict(message.data) or None,
        "image_url": message.image_url,
        "deep_link": message.deep_link,
        "actions": [{"id": action.id, "title": action.title} for action in message.actions] or None,
        "channel": message.channel,
        "sound": message.sound,
    }
