"""What FCM, APNs and push services demand of single values beyond their JSON type; each rule is a predicate and its sentence."""

from __future__ import annotations

import re
from collections.abc import Callable

from fanfare.domain.lifetime import MAX_TTL_SECONDS

Form = tuple[Callable[[str], object], str]

MAX_COLLAPSE_KEY_BYTES = 64
"""APNs takes no longer `apns-collapse-id`."""


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _is_collapse_id(value: str) -> bool:
    return 0 < len(value.encode()) <= MAX_COLLAPSE_KEY_BYTES and value.isprintable()


NOT_EMPTY: Form = (bool, "must not be empty")
COLLAPSE_ID: Form = (_is_collapse_id, f"must be 1 to {MAX_COLLAPSE_KEY_BYTES} bytes of printable text")
_LABEL: Form = (_matches(r"[a-zA-Z0-9_.~%-]{1,50}"), "must be 1 to 50 characters of A-Z a-z 0-9 - _ . ~ %")
_COLOUR: Form = (_matches(r"#[0-9a-fA-F]{6}"), "must be a colour as #rrggbb")
_HTTPS: Form = (_matches(r"(?i:https)://[^\s/?#]\S*"), "must be an https URL")
_TTL: Form = (lambda value: float(value.removesuffix("s")) <= MAX_TTL_SECONDS, f"must be at most {MAX_TTL_SECONDS} seconds")
_TTL_HEADER: Form = (
    lambda value: re.fullmatch(r"[0-9]{1,7}", value) and int(value) <= MAX_TTL_SECONDS,
    f"must be whole seconds, at most {MAX_TTL_SECONDS}",
)

FIELD_FORMS: dict[str, Form] = {
    "AndroidConfig.collapse_key": NOT_EMPTY,
    "AndroidConfig.ttl": _TTL,
    "AndroidFcmOptions.analytics_label": _LABEL,
    "AndroidNotification.color": _COLOUR,
    "AndroidNotification.tag": NOT_EMPTY,
    "ApnsConfig.live_activity_token": NOT_EMPTY,
    "ApnsFcmOptions.analytics_label": _LABEL,
    "WebpushFcmOptions.analytics_label": _LABEL,
    "WebpushFcmOptions.link": _HTTPS,
}
"""By schema and field of `fcm_fields.FIELDS`."""

HEADER_FORMS: dict[str, Form] = {
    "apns-collapse-id": COLLAPSE_ID,
    "apns-expiration": (_matches(r"[0-9]{1,11}"), "must be Unix seconds, or 0"),
    "apns-priority": (_matches(r"1|5|10"), "must be 1, 5 or 10"),
    "ttl": _TTL_HEADER,
    "topic": (_matches(r"[A-Za-z0-9_-]{1,32}"), "must be 1 to 32 characters of base64url"),
    "urgency": (_matches(r"very-low|low|normal|high"), "must be very-low, low, normal or high"),
}
"""By header name in lower case. Sources: Apple's APNs headers, RFC 8030."""
