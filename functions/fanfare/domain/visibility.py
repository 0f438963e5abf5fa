"""Whether a person sees anything of a message, per platform.

| the message                                   | android | ios                        | web |
|-----------------------------------------------|---------|----------------------------|-----|
| silent                                        | no      | no                         | no  |
| has a title or a body                         | yes     | yes                        | yes |
| has neither, but the platform's block shows it | `notification` | `alert`, `badge` or `sound` in `aps` | `notification` |
| anything else                                 | data-only on every platform                  |||
"""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.fcm_blocks import own_block
from fanfare.domain.message import Message, Platform

_SHOWN_BY_APS = ("alert", "badge", "sound")


def is_shown(message: Message, platform: Platform) -> bool:
    """Whether the platform shows, sounds or badges anything; otherwise the message is data for the app alone."""
    return not message.silent and (has_text(message) or is_shown_by_block(message, platform))


def has_text(message: Message) -> bool:
    """Whether there is a title or a body; an empty text is none."""
    return bool(message.title or message.body)


def is_shown_by_block(message: Message, platform: Platform) -> bool:
    """Whether the caller's own block of the platform shows something by itself."""
    block = own_block(message, platform)
    if platform is not Platform.IOS:
        return "notification" in block
    aps = block.get("payload", {}).get("aps")
    return isinstance(aps, Mapping) and any(key in aps for key in _SHOWN_BY_APS)
