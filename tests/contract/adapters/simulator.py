"""The FCM simulator as a test looks into it, and what a test sends through the adapter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import requests

from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.domain.classification import Answer
from fanfare.domain.tenant import Tenant

_TIMEOUT_SECONDS = 30.0


class Simulator(AbstractContextManager["Simulator"]):
    """The simulator's own routes."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sim"
        self._session = requests.Session()
        self._session.trust_env = False

    def forget(self) -> None:
        """Forget messages, faults and subscriptions."""
        self._ask("DELETE", "messages")
        self._ask("DELETE", "faults")
        self._ask("DELETE", "subscriptions")

    def fault(self, *targets: str, times: int | None = None, **answer: Any) -> None:
        """Answer the requests to these targets (none given: to all) as told."""
        match = {"targets": targets} if targets else {}
        self._ask("POST", "faults", {"match": match, "times": times, "answer": answer})

    def messages(self) -> list[Any]:
        """All accepted messages, oldest first."""
        return list(self._ask("GET", "messages?limit=10000")["messages"])

    def names(self) -> dict[str, list[str]]:
        """The message ids that each target was given."""
        return {record["target"]: record["names"] for record in self._ask("GET", "targets")["targets"]}

    def subscriptions(self, project: str) -> set[tuple[str, str]]:
        """The (target, topic) that are subscribed in a project."""
        return {(row["target"], row["topic"]) for row in self._ask("GET", f"subscriptions?project={project}")["subscriptions"]}

    def connections(self, version: str = "h2") -> int:
        """How many connections of a version there have been."""
        return int(self._ask("GET", "stats")["connections"][version]["total"])

    def most_streams(self) -> int:
        """The most requests that one HTTP/2 connection has had in flight."""
        return int(self._ask("GET", "stats")["max_concurrent_streams"])

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._session.request(method, f"{self._url}/{path}", json=body, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def __exit__(self, *_: object) -> None:
        self._session.close()


def bodies(keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """A message to each key, which is its target too."""
    return ((key, json.dumps({"message": {"token": key, "data": {"n": key}}}).encode("ascii")) for key in keys)


def keys(count: int, prefix: str = "t") -> list[str]:
    """Names of targets."""
    return [f"{prefix}{number}" for number in range(count)]


def send_all(sender: FcmPushSender, tenant: Tenant, targets: Iterable[str]) -> dict[str, Answer]:
    """Send a message to each target and return the answers; one that came twice would be told."""
    answers: dict[str, Answer] = {}
    for batch in sender.send(tenant, bodies(targets)):
        for key, answer in batch:
            assert key not in answers
            answers[key] = answer
    return answers
