"""Our JSON against two oracles: firebase_admin's own encoder, and FCM's discovery document.

The mapping is written a second time here, with firebase_admin's classes and from the neutral fields up.
"""

from __future__ import annotations

import json
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from firebase_admin import messaging
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfare.domain.encoding import encode
from fanfare.domain.lifetime import ttl_seconds_for
from fanfare.domain.message import Message, Platform, Priority, TargetKind
from fanfare.domain.message_rules import check_message
from tests.discovery import violations
from tests.messages import NOTIFICATION_ID, PLANNED_AT, messages, rendered

RECEIPT = "n.d.receipt"
TARGETS = {TargetKind.TOKEN: "tok:en_1", TargetKind.FID: "f-id", TargetKind.TOPIC: "news", TargetKind.CONDITION: "'a' in topics && !('b' in topics)"}


def said(block: Mapping[str, Any], *path: str) -> Any:
    """What the caller's block says at a snake_case path, whichever spelling it uses; None when nothing."""
    found: Any = block
    for name in path:
        camel = "".join(part.title() if index else part for index, part in enumerate(name.split("_")))
        found = (found or {}).get(name, (found or {}).get(camel))
    return found


def first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


class Oracle:
    """The message as firebase_admin's objects, for one platform or for all."""

    def __init__(self, message: Message, platform: Platform | None, late_seconds: int) -> None:
        self.message, self.platform = message, platform
        self.life = ttl_seconds_for(message)
        self.remaining = max(0, self.life - late_seconds)
        self.loud = not message.silent and bool(message.title or message.body)
        self.tag = message.collapse_key or NOTIFICATION_ID
        self.image = message.image_url if self.loud else None

    def data(self, own: Mapping[str, str], platform: Platform | None) -> dict[str, str]:
        found = dict(self.message.data) | dict(own)
        if self.message.actions and platform is not Platform.WEB:
            buttons = [{"id": action.id, "title": action.title} for action in self.message.actions]
            found["actions"] = json.dumps(buttons, ensure_ascii=False, separators=(",", ":"))
        if self.message.deep_link:
            found["deep_link"] = self.message.deep_link
        return found | {"fanfare_id": NOTIFICATION_ID, "fanfare_receipt": RECEIPT}

    def own_data(self, block: Mapping[str, Any], platform: Platform) -> dict[str, str] | None:
        return self.data(block["data"], platform) if self.platform is None and block.get("data") else None

    def android(self) -> messaging.AndroidConfig:
        own, message = self.message.android, self.message
        notification = messaging.AndroidNotification(
            tag=first(said(own, "notification", "tag"), self.tag),
            image=message.image_url,
            channel_id=first(said(own, "notification", "channel_id"), message.channel),
            sound=message.sound,
            notification_count=first(said(own, "notification", "notification_count"), message.badge),
            color=said(own, "notification", "color"),
            click_action=said(own, "notification", "click_action"),
            sticky=said(own, "notification", "sticky"),
            title_loc_key=said(own, "notification", "title_loc_key"),
            visibility=(said(own, "notification", "visibility") or "").lower() or None,
        )
        return messaging.AndroidConfig(
            collapse_key=first(said(own, "collapse_key"), message.collapse_key),
            priority=message.priority.value,
            ttl=self.remaining,
            restricted_package_name=said(own, "restricted_package_name"),
            data=self.own_data(own, Platform.ANDROID),
            direct_boot_ok=said(own, "direct_boot_ok"),
            bandwidth_constrained_ok=said(own, "bandwidth_constrained_ok"),
            fcm_options=messaging.AndroidFCMOptions(said(own, "fcm_options", "analytics_label")),
            notification=notification if self.loud else None,
        )

    def apns(self) -> messaging.APNSConfig:
        own, message = self.message.apns, self.message
        high = self.loud and message.priority is Priority.HIGH
        headers = {
            "apns-push-type": "alert" if self.loud else "background",
            "apns-priority": "10" if high else "5",
            "apns-expiration": str(int(PLANNED_AT.timestamp()) + self.life) if self.life else "0",
        }
        if self.loud or message.collapse_key:
            headers["apns-collapse-id"] = self.tag
        aps = messaging.Aps(
            badge=first(said(own, "payload", "aps", "badge"), message.badge) if self.loud else None,
            sound=first(said(own, "payload", "aps", "sound"), message.sound) if self.loud else None,
            thread_id=message.group if self.loud else None,
            content_available=not self.loud,
            mutable_content=self.loud and bool(message.image_url or message.actions),
            category=said(own, "payload", "aps", "category"),
            custom_data={key: value for key, value in (said(own, "payload", "aps") or {}).items() if key == "x-custom"},
        )
        custom = {key: value for key, value in (own.get("payload") or {}).items() if key == "custom"}
        return messaging.APNSConfig(
            headers=headers | own.get("headers", {}),
            payload=messaging.APNSPayload(aps, **custom),
            fcm_options=messaging.APNSFCMOptions(said(own, "fcm_options", "analytics_label"), first(said(own, "fcm_options", "image"), self.image)),
        )

    def webpush(self) -> messaging.WebpushConfig:
        own, message = self.message.webpush, self.message
        headers = {"TTL": str(self.remaining), "Urgency": message.priority.value}
        if message.collapse_key:
            short = message.collapse_key.isascii() and message.collapse_key.isalnum()
            digest = urlsafe_b64encode(sha256(message.collapse_key.encode()).digest()).decode()
            headers["Topic"] = message.collapse_key if short else digest[:32]
        notification = messaging.WebpushNotification(
            tag=first(said(own, "notification", "tag"), self.tag),
            renotify=first(said(own, "notification", "renotify"), False),  # noqa: FBT003 - a value among values
            image=message.image_url,
            icon=said(own, "notification", "icon"),
            require_interaction=(own.get("notification") or {}).get("requireInteraction"),
            actions=[messaging.WebpushNotificationAction(action.id, action.title) for action in message.actions],
        )
        https = message.deep_link if self.loud and (message.deep_link or "").startswith("https") else None
        return messaging.WebpushConfig(
            headers=headers | own.get("headers", {}),
            data=self.own_data(own, Platform.WEB),
            notification=notification if self.loud else None,
            fcm_options=messaging.WebpushFCMOptions(first(said(own, "fcm_options", "link"), https)),
        )

    def encoded(self, kind: TargetKind) -> dict[str, Any]:
        message, everywhere = self.message, self.platform is None
        own = {Platform.ANDROID: message.android, Platform.WEB: message.webpush}
        title, body = message.title or None, message.body or None
        with warnings.catch_warnings():
            # firebase_admin 7.7 calls tokens deprecated; devices that hold one are still sent to.
            warnings.simplefilter("ignore", DeprecationWarning)
            made = messaging.Message(
                data=self.data(own.get(self.platform, {}).get("data", {}) if self.platform else {}, self.platform),
                notification=messaging.Notification(title, body, self.image) if self.loud else None,
                android=self.android() if everywhere or self.platform is Platform.ANDROID else None,
                apns=self.apns() if everywhere or self.platform is Platform.IOS else None,
                webpush=self.webpush() if everywhere or self.platform is Platform.WEB else None,
                **{kind.value: TARGETS[kind]},
            )
        encoded: dict[str, Any] = json.loads(str(made))
        return encoded


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Message, Platform | None, TargetKind, int]:
    message, late_seconds = draw(messages()), draw(st.sampled_from([0, 61, 100_000]))
    kind = draw(st.sampled_from(TargetKind))
    platform = draw(st.sampled_from(Platform)) if kind in (TargetKind.TOKEN, TargetKind.FID) else None
    return message, platform, kind, late_seconds


@settings(max_examples=60, deadline=None, database=None)
@given(deliveries())
def test_json_is_what_firebase_admin_encodes_and_what_fcm_documents(delivery: tuple[Message, Platform | None, TargetKind, int]) -> None:
    message, platform, kind, late_seconds = delivery
    check_message(message)
    encoded = encode(rendered(message, platform, late_seconds=late_seconds), kind=kind)
    request = json.loads(encoded.splice(TARGETS[kind], RECEIPT))
    assert request == {"message": Oracle(message, platform, late_seconds).encoded(kind)}
    assert violations(request, "SendMessageRequest") == []
