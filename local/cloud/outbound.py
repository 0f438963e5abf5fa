"""The HTTP request that a task or a job makes: parsed from Google's ``httpRequest`` / ``httpTarget``, and shown again."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from local.cloud.errors import invalid_argument
from local.cloud.wire import Document, parse_bytes, parse_enum, parse_text, section

UrlField = Literal["url", "uri"]

_METHODS = ("HTTP_METHOD_UNSPECIFIED", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_OURS = frozenset({"host", "content-length", "user-agent"})
_OUR_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-", "x-cloudscheduler")


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """Where to send what; ``email`` is the service account of the OIDC token, None without one."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    email: str | None
    audience: str

    @property
    def size_bytes(self) -> int:
        """The bytes that count against the limit of a task."""
        return len(self.url) + len(self.body) + sum(len(name) + len(value) for name, value in self.headers.items())

    def to_document(self, url_field: UrlField, *, with_body: bool) -> Document:
        """Return it as Google shows it; the basic view leaves the body out."""
        document: Document = {url_field: self.url, "httpMethod": self.method, "headers": dict(self.headers)}
        if with_body and self.body:
            document["body"] = base64.b64encode(self.body).decode()
        if self.email is not None:
            document["oidcToken"] = {"serviceAccountEmail": self.email, "audience": self.audience}
        return document


def parse_http_target(document: Document, url_field: UrlField) -> HttpTarget:
    """Read an ``httpRequest`` (``url``) or ``httpTarget`` (``uri``)."""
    url = parse_text(document.get(url_field), url_field, 2083)
    if not url.startswith(("http://", "https://")):
        raise invalid_argument(f"{url_field} must begin with 'http://' or 'https://'")
    method = parse_enum(document.get("httpMethod", "POST"), _METHODS, "httpMethod").replace("HTTP_METHOD_UNSPECIFIED", "POST")
    body = parse_bytes(document.get("body", ""), "body")
    if body and method not in _WITH_BODY:
        raise invalid_argument(f"A body is not allowed with {method}")
    email, audience = _parse_oidc(document, url)
    return HttpTarget(url, method, _parse_headers(document), body, email, audience)


def _parse_oidc(document: Document, url: str) -> tuple[str | None, str]:
    if "oauthToken" in document:
        raise invalid_argument("oauthToken is for Google's own APIs, which are not called from here")
    if "oidcToken" not in document:
        return None, url
    token = section(document, "oidcToken")
    email = parse_text(token.get("serviceAccountEmail"), "oidcToken.serviceAccountEmail", 320)
    return email, parse_text(token.get("audience") or url, "oidcToken.audience", 2083)


def _parse_headers(document: Document) -> dict[str, str]:
    headers = section(document, "headers")
    for name, value in headers.items():
        if not isinstance(value, str) or "\n" in name + value or "\r" in name + value:
            raise invalid_argument(f"The header {name!r} must be one line of text")
    return {name: value for name, value in headers.items() if not _is_ours(name.lower())}


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith(_OUR_PREFIXES)
