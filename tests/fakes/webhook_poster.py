"""Endpoints, scripted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fanfare.domain.endpoint_address import NoEndpoint, parse_endpoint
from fanfare.domain.endpoint_answer import NotPosted, Posted

Answer = Posted | NotPosted


@dataclass(frozen=True, slots=True)
class Post:
    """One post that came to an endpoint."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class ScriptedWebhookPoster:
    """Answers with what stands first in `script`, or with 200 once that is used up; `posts` keeps what came.

    Names are looked up nowhere: those in `private` mean an address that is not public. `meanwhile` runs while a post is under way.
    """

    script: list[Answer] = field(default_factory=list)
    private: set[str] = field(default_factory=set)
    posts: list[Post] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def check_url(self, url: str) -> str | None:
        endpoint = parse_endpoint(url)
        if isinstance(endpoint, NoEndpoint):
            return endpoint.reason
        return "must be at a public address" if endpoint.host in self.private else None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.check_url(url) is not None:
            return NotPosted("address")
        self.posts.append(Post(url, dict(headers), body))
        if self.meanwhile is not None:
            self.meanwhile()
        return self.script.pop(0) if self.script else Posted(200)
