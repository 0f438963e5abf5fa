"""The rows of a notification of many chunks, as a Protocol of its own: written chunk by chunk before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient


class RecipientStore(Protocol):
    """`recipients/{n}` of a notification. What is stored under a number never changes."""

    def write(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> None:
        """Store chunks under consecutive numbers. A number that is stored already is left as it is, whatever stands there.

        They go in several commits, in their order; Unavailable leaves the first ones stored, and the same call again stores the others.
        """
        ...

    def append(self, tenant: str, notification_id: str, first_number: int, chunks: Sequence[Sequence[Recipient]]) -> int:
        """Store chunks as `write` does, but stop before the first commit that meets a number which another call has stored.

        Returns how many chunks were stored. Whoever appends where what it has read ends, and reads again where it is stopped, can't name a device
        twice: two calls that work on one notification at once never both store the same number.
        """
        ...

    def read_all(self, tenant: str, notification_id: str) -> Sequence[Sequence[Recipient]]:
        """The rows of every stored chunk, from number 0 on."""
        ...

    def queue(self, notification: Notification) -> tuple[Notification, bool] | None:
        """Let a notification that is still being accepted be sent: store it as it is given, but for when it was made and whether it is paused.

        Returns what is stored then, and whether this call has stored it: False if somebody else has made something of it meanwhile. None if there is
        no such notification.
        """
        ...
