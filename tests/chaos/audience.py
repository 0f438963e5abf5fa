"""Whom to send what: recipients with dead ones among them, in notifications whose tags are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.plan import Plan

DEAD_PREFIX, LIVE_PREFIX = "chaos-dead-", "chaos-live-"
PLATFORMS = ("android", "ios", "web")
FEWEST, MOST = 300, 500
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_TOKEN_TAIL, _FID_TAIL = 130, 5
# With its prefix and number a FID has 22 characters and begins with c, as Firebase draws them.
_DEVICES_PER_USER = 50


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as the app knows it. `kind` is `token` or `fid`; no target is used twice."""

    target: str
    kind: str
    platform: str

    @property
    def dead(self) -> bool:
        """Whether FCM says UNREGISTERED for it."""
        return self.target.startswith(DEAD_PREFIX)

    def named(self) -> dict[str, str]:
        """How a request names it."""
        return {self.kind: self.target, "platform": self.platform}


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification to be: its people and its message. `tag` is what each message must carry; None stands for the notification's id."""

    key: str
    people: Sequence[Person]
    registered: bool
    message: dict[str, Any]
    tag: str | None


def draft_notifications(plan: Plan) -> list[Draft]:
    """Divide the recipients into notifications of at most 500; some are devices that must be registered first."""
    random = plan.random("audience")
    drafts: list[Draft] = []
    first = 0
    while first < plan.recipients:
        size = min(random.randint(FEWEST, MOST), plan.recipients - first)
        people = [_person(plan, number) for number in range(first, first + size)]
        # Every so many, and not by chance: a small run has devices too.
        registered = len(drafts) % round(1 / plan.device_share) == 1
        drafts.append(_draft(plan, len(drafts), people, registered=registered))
        first += size
    return drafts


def registration_of(person: Person, number: int) -> dict[str, str]:
    """The request to register a person's device."""
    return {**person.named(), "username": f"chaos-{number // _DEVICES_PER_USER}"}


def _person(plan: Plan, number: int) -> Person:
    random = plan.random(f"person {number}")
    prefix = DEAD_PREFIX if random.random() < plan.dead_share else LIVE_PREFIX
    kind, length = random.choice([("token", _TOKEN_TAIL), ("token", _TOKEN_TAIL), ("fid", _FID_TAIL)])
    value = "".join(random.choices(_ALPHABET, k=length))
    return Person(f"{prefix}{number:06}{':' if kind == 'token' else ''}{value}", kind, random.choice(PLATFORMS))


def _draft(plan: Plan, index: int, people: Sequence[Person], *, registered: bool) -> Draft:
    """The tag is by turns the notification's id, its collapse key, and the caller's own on each platform."""
    message: dict[str, Any] = {"title": f"Chaos {index}", "body": "Nothing is lost.", "priority": "high", "data": {"index": str(index)}}
    tag = None if index % 3 == 0 else f"chaos-{index}"
    if index % 3 == 1:
        message["collapse_key"] = tag
    elif index % 3 == 2:
        message["android"] = {"notification": {"tag": tag}}
        message["apns"] = {"headers": {"apns-collapse-id": tag}}
        message["webpush"] = {"notification": {"tag": tag}}
    return Draft(f"chaos-{plan.seed}-{index}", people, registered, message, tag)
