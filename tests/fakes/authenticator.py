"""Who may call the internal functions, by a script."""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.errors import FanfareError, Unauthenticated


class ScriptedCallAuthenticator:
    """Each (function, bearer) is let in (None) or refused with an error; an unknown one is not authenticated."""

    def __init__(self, callers: Mapping[tuple[str, str], FanfareError | None] | None = None) -> None:
        self.callers = dict(callers or {})

    def authenticate(self, function: str, bearer: str) -> None:
        refusal = self.callers.get((function, bearer), Unauthenticated("The token is not valid."))
        if refusal is not None:
            raise refusal
