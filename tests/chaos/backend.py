"""The public API, spoken to as an app's backend does: with idempotency keys, and again until it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any, Self

import requests

_TIMEOUT_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_PAGE = 200


class BackendError(Exception):
    """The API refused for good."""


class Backend:
    """One client of the API. `again` counts the requests that had to be repeated."""

    def __init__(self, url: str, client_id: str, token: str) -> None:
        self._base = f"{url}/api/v1"
        self._session = requests.Session()
        self._session.headers.update({"Client-ID": client_id, "Client-Token": token})
        self.again = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def register(self, devices: list[dict[str, str]]) -> list[str]:
        """Register devices; returns their ids in the same order."""
        items = self._call("POST", "/devices/bulk/", json={"devices": devices})["items"]
        if refused := [item for item in items if not item.get("id")]:
            raise BackendError(f"{len(refused)} devices were not registered, the first because: {refused[0]['error']}")
        return [item["id"] for item in items]

    def notify(self, request: Mapping[str, Any], key: str, give_up: Event) -> str:
        """Post a notification until it is accepted; returns its id."""
        while not give_up.is_set():
            accepted = self._try("POST", "/notify/", json=request, headers={"Idempotency-Key": key})
            if accepted is not None:
                return str(accepted["id"])
            self.again += 1
            give_up.wait(_PAUSE_SECONDS)
        raise BackendError(f"The notification {key} was not accepted in time.")

    def status(self, notification_id: str) -> dict[str, Any]:
        """A notification's state and counts."""
        return self._call("GET", f"/notifications/{notification_id}/status/")

    def steer(self, notification_id: str, verb: str, give_up: Event) -> None:
        """Pause, resume or cancel a notification, until it is answered."""
        while self._try("POST", f"/notifications/{notification_id}/{verb}/") is None:
            self.again += 1
            if give_up.wait(_PAUSE_SECONDS):
                raise BackendError(f"The notification {notification_id} could not be told to {verb} in time.")

    def deliveries(self, notification_id: str) -> Iterator[dict[str, Any]]:
        """A notification's recipients with their outcomes."""
        return self._pages(f"/notifications/{notification_id}/deliveries/", {})

    def inactive_devices(self) -> Iterator[dict[str, Any]]:
        """The devices that nothing is sent to any more."""
        return self._pages("/devices/", {"active": "false"})

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = self._call("GET", path, params={"limit": str(_PAGE), **query, **cursor})
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._try(method, path, **options)
        if answer is None:
            raise BackendError(f"{method} {path} was not answered.")
        return answer

    def _try(self, method: str, path: str, **options: Any) -> dict[str, Any] | None:
        """Ask once; None where a later try may succeed."""
        try:
            response = self._session.request(method, f"{self._base}{path}", timeout=_TIMEOUT_SECONDS, **options)
        except (requests.ConnectionError, requests.Timeout):
            return None
        if response.status_code >= 500:
            return None
        if not response.ok:
            raise BackendError(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        content: dict[str, Any] = response.json()
        return content
