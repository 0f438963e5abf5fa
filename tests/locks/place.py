"""Where the things are that a request speaks of: at one tenant's, at another's, with one user, or nowhere at all.

Every name is made when it is asked for, so that no lock depends on what another one left behind.
"""

from __future__ import annotations

from typing import Any, Protocol

from fanfare.domain.receipt import sign_receipt
from tests.locks.names import Names


class Place(Protocol):
    """What doors ask for; each call names a thing of its own. What is `new_` exists nowhere and has the form of one that does."""

    names: Names

    def app(self) -> str: ...

    def held_app(self) -> str: ...

    def account(self) -> dict[str, Any]: ...

    def client(self) -> str: ...

    def actor(self) -> str: ...

    def device(self) -> str: ...

    def inactive_device(self) -> str: ...

    def install(self) -> str: ...

    def target(self, kind: str) -> str: ...

    def profile(self) -> str: ...

    def profile_with_devices(self) -> str: ...

    def username(self) -> str: ...

    def phone_number(self) -> str: ...

    def external_id(self) -> str: ...

    def template(self) -> str: ...

    def segment(self) -> str: ...

    def schedule(self) -> str: ...

    def webhook(self) -> str: ...

    def webhook_with_deliveries(self) -> str: ...

    def event(self) -> str: ...

    def topic(self) -> str: ...

    def notification(self) -> tuple[str, str]: ...

    def failed_notification(self) -> tuple[str, str]: ...

    def receipt(self, device: str | None = None) -> str: ...


class Nowhere:
    """Names of the right form that belong to nobody: what another tenant's are compared with."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def app(self) -> str:
        return self.names.new_id()

    held_app = client = actor = device = inactive_device = profile = profile_with_devices = segment = schedule = app
    webhook = webhook_with_deliveries = event = app

    def account(self) -> dict[str, Any]:
        return self.names.new_account(self.names.new_project())

    def install(self) -> str:
        return self.names.new_name("install")

    def target(self, kind: str) -> str:
        return self.names.new_target(kind)

    def username(self) -> str:
        return self.names.new_private("username")

    def phone_number(self) -> str:
        return self.names.new_phone_number()

    def external_id(self) -> str:
        return self.names.new_private("external")

    def template(self) -> str:
        return self.names.new_name("template")

    def topic(self) -> str:
        return self.names.new_name("topic")

    def notification(self) -> tuple[str, str]:
        return self.names.new_id(), self.names.new_id()

    failed_notification = notification

    def receipt(self, device: str | None = None) -> str:
        return sign_receipt(b"nobody's key", self.names.new_id(), self.names.new_id() if device is None else device)
