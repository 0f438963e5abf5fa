"""The forms of a message that FCM refused: noted in a notification of many chunks, so that each is refused once and not by every chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fanfare.domain.classification import Kind, Verdict
from fanfare.domain.notification import Notification
from fanfare.domain.rendition import Rendition

MOST_FORMS = 100
_REFUSED_WITH = 400


def form_of(rendition: Rendition) -> str | None:
    """The name of a form; None for one that only a few get, by their username or a content of their own."""
    if rendition.username is not None or rendition.content is not None:
        return None
    return f"{rendition.platform or 'topic'}/{rendition.kind}/{rendition.locale or ''}"


def verdict_of(notification: Notification, rendition: Rendition) -> Verdict | None:
    """What FCM said of this form to another chunk, if it has refused it."""
    code = notification.refused.get(form_of(rendition) or "") if notification.refused else None
    return Verdict(Kind.BAD_PAYLOAD, code, _REFUSED_WITH) if code is not None else None


def with_refused(notification: Notification, forms: Mapping[str, str]) -> Notification | None:
    """Note refused forms, with the error code; None if they are noted already, or if as many are as may be."""
    refused = {**forms, **notification.refused}
    if len(refused) == len(notification.refused) or len(refused) > MOST_FORMS:
        return None
    return replace(notification, refused=refused)
