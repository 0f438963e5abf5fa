"""What a deployment knows about the way that requests take to it, and about the web pages that may call it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_ORIGIN = re.compile(r"(?:https://(?=[a-z0-9])[a-z0-9.-]{1,253}|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?\Z")


@dataclass(frozen=True, slots=True)
class EdgeRules:
    """`trusted_proxy_hops` proxies in front of us append the address that called them; no `allowed_hosts` means that every host name is ours.

    `cors_origins` are the pages of the deployment itself (its console), which may call for every tenant.
    """

    trusted_proxy_hops: int = 1
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()


def is_allowed_host(rules: EdgeRules, host: str) -> bool:
    """Tell whether a request's Host header (a name, perhaps with a port) names us."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return not rules.allowed_hosts or name.lower() in rules.allowed_hosts


def is_origin(text: str) -> bool:
    """Tell whether a text is the origin of a page that could be on an allowlist: https, or http of this very machine; as browsers spell it.

    `null`, which a browser says for sandboxed pages and local files, is the origin of everybody and so of nobody.
    """
    return _ORIGIN.match(text) is not None


def is_origin_of(rules: EdgeRules, origin: str, listed: Collection[str]) -> bool:
    """Tell whether a page may read an answer: the deployment allows its origin, or the caller's tenant, whose origins are `listed`."""
    return is_origin(origin) and (origin in rules.cors_origins or origin in listed)
