"""Google's client errors, translated at the edge into the domain's `Unavailable`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from fanfare.domain.errors import Unavailable


@contextmanager
def translated(component: str) -> Iterator[None]:
    """Turn whatever a Google client raises inside into Unavailable; `component` names what does not answer, its error stays the cause."""
    try:
        yield
    except (GoogleAPICallError, RetryError, GoogleAuthError, RequestException, ConnectionError) as error:
        raise Unavailable(f"{component} does not answer.") from error
