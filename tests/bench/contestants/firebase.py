"""Google's SDK, redirected to the loopback server. Its messages are built beforehand: only its sending is measured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import firebase_admin
from firebase_admin import credentials, messaging

from tests.bench import workload


def open_app(settings: Mapping[str, Any]) -> firebase_admin.App:
    """Initialise an app that sends to the loopback server, with the connection pool that the SDK has for FCM."""
    messaging._MessagingService.FCM_URL = settings["url"] + "/v1/projects/{0}/messages:send"
    app = firebase_admin.initialize_app(credentials.Certificate(settings["account"]))
    session = messaging._get_messaging_service(app)._client.session
    session.mount(settings["url"], session.get_adapter("https://fcm.googleapis.com/"))
    return app


def build_messages() -> list[messaging.Message]:
    """One chunk, in the form that Android devices get."""
    return [message_to(workload.token(number)) for number in range(workload.CHUNK)]


def message_to(token: str) -> messaging.Message:
    """The message for one device."""
    shown = messaging.AndroidNotification(tag="benchmark-notification", channel_id=workload.CHANNEL, sound=workload.SOUND)
    return messaging.Message(
        token=token,
        notification=messaging.Notification(workload.TITLE, workload.BODY),
        data={
            **workload.DATA,
            "deep_link": workload.DEEP_LINK,
            "fanfare_id": "benchmark-notification",
            "fanfare_receipt": workload.receipt(0),
        },
        android=messaging.AndroidConfig(priority="high", ttl=timedelta(seconds=workload.TTL_SECONDS), notification=shown),
    )
