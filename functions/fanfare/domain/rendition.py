"""What is rendered once for all recipients that are told the same."""

from __future__ import annotations

from typing import NamedTuple

from fanfare.domain.content import Content
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.recipient import Recipient
from fanfare.domain.wording import Wording


class Rendition(NamedTuple):
    """One form of a notification. `locale` and `username` differ only where a template words it, by them; `content` only where its rows have one."""

    platform: Platform | None
    kind: TargetKind
    locale: str | None = None
    username: str | None = None
    content: Content | None = None


def rendition_of(wording: Wording | None, row: Recipient) -> Rendition:
    """Which form of a notification a recipient gets; `wording` is that of rows without a content of their own."""
    content = row.content
    if content is not None:
        wording = content.wording
    elif wording is None:
        return Rendition(row.platform, row.target.kind)
    if wording is None:
        return Rendition(row.platform, row.target.kind, content=content)
    return Rendition(row.platform, row.target.kind, wording.locale_for(row.locale), row.username if wording.personal else None, content)
