"""A fault rule as it is told over the admin API: which requests it means, and what they get.

`share` picks by a hash of (seed, target, attempt), so that a repeat of the same run fails alike, whatever the order in which
requests arrive, and a retry gets a new chance.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from local.fcm.error_shapes import FcmAnswer
from local.fcm.errors import ErrorName, named_error
from local.fcm.exchange import Drop
from local.fcm.send_request import Target

HASH_RANGE = 1 << 64


class Strict(BaseModel):
    """A part of a rule: an unknown field or a wrong type is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FaultMatch(Strict):
    """Which requests a rule means: all that are given must hold; nothing given means every request."""

    targets: frozenset[str] | None = Field(default=None, strict=False)
    target_prefix: str | None = None
    kind: Literal["token", "fid", "topic", "condition", "subscription"] | None = None
    project: str | None = None
    share: float | None = Field(default=None, ge=0, le=1)
    seed: int = 0

    def accepts(self, project: str, target: Target, attempt: int) -> bool:
        """Tell whether the `attempt`-th request to this target (from 1) is meant."""
        if self.targets is not None and target.value not in self.targets:
            return False
        if self.target_prefix is not None and not target.value.startswith(self.target_prefix):
            return False
        if self.kind not in {None, target.kind} or self.project not in {None, project}:
            return False
        return self.share is None or _fraction(self.seed, target.value, attempt) < self.share


class FaultAnswer(Strict):
    """What a matching request gets: a named error, a raw answer, or neither (accepted, with the options below).

    `accept_first`: the message is accepted before the error is answered. `drop`: torn down before or after accepting, without
    an answer; on HTTP/2 `drop_scope` "stream" resets that stream only. `goaway`: answered, then the connection is given up.
    """

    error: ErrorName | None = Field(default=None, strict=False)
    status: int | None = Field(default=None, ge=200, le=599)
    body: dict[str, object] | str = ""
    retry_after: int | str | None = None
    delay_seconds: float = Field(default=0.0, ge=0, le=600)
    accept_first: bool = False
    drop: Literal["before", "after"] | None = None
    drop_scope: Drop = Field(default=Drop.CONNECTION, strict=False)
    goaway: bool = False

    @model_validator(mode="after")
    def _check_combination(self) -> FaultAnswer:
        if self.error is not None and self.status is not None:
            raise ValueError("an answer has an error's name or a raw status, not both")
        if self.accept_first and self.error is None and self.status is None:
            raise ValueError("accept_first needs an error or a status to answer")
        if isinstance(self.retry_after, str) and not self.retry_after.isprintable():
            raise ValueError("retry_after is a number of seconds or an HTTP date")
        return self

    @property
    def accepts(self) -> bool:
        """Whether the message is accepted, whatever is answered."""
        return self.drop == "after" or (self.drop is None and (self.accept_first or (self.error is None and self.status is None)))

    def failure(self, project: str) -> FcmAnswer | None:
        """Return the error to answer, or None for the answer of an accepted message."""
        if self.error is not None:
            return named_error(self.error, project)
        return None if self.status is None else FcmAnswer(self.status, "RAW", self.body)


class FaultRule(Strict):
    """A rule as it is told over the admin API; `times` null means without end."""

    id: str | None = Field(default=None, min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$")
    match: FaultMatch = FaultMatch()
    times: int | None = Field(default=None, ge=1)
    answer: FaultAnswer


def _fraction(seed: int, target: str, attempt: int) -> float:
    digest = blake2b(f"{seed}\n{attempt}\n{target}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / HASH_RANGE
