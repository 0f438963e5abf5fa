"""Who may call the internal functions, and who the apps' users are, by a script."""

from __future__ import annotations

from collections.abc import Mapping

from fanfare.domain.errors import FanfareError, Unauthenticated
from fanfare.domain.id_token import REFUSED, TokenSubject


class ScriptedCallAuthenticator:
    """Each (function, bearer) is let in (None) or refused with an error; an unknown one is not authenticated."""

    def __init__(self, callers: Mapping[tuple[str, str], FanfareError | None] | None = None) -> None:
        self.callers = dict(callers or {})

    def authenticate(self, function: str, bearer: str) -> None:
        refusal = self.callers.get((function, bearer), Unauthenticated("The token is not valid."))
        if refusal is not None:
            raise refusal


class ScriptedUserAuthenticator:
    """Each token is somebody's or refused with an error; an unknown one is not authenticated."""

    def __init__(self, users: Mapping[str, TokenSubject | FanfareError] | None = None) -> None:
        self.users = dict(users or {})

    def identify(self, token: str) -> TokenSubject:
        found = self.users.get(token, Unauthenticated(REFUSED))
        if isinstance(found, FanfareError):
            raise found
        return found
