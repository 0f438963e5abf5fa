"""Names and values of a walk, each one unlike every other, and which of them must not be found where.

| kind | examples | must not be in |
|---|---|---|
| secret | tokens, targets, private keys, idempotency keys | logs, errors, the audit log, plain fields of the database |
| private | messages, variables, usernames, phone numbers | logs, errors, the audit log |
| neither | ids, names of templates and apps | |
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable
from typing import Any

from fanfare.domain.identifiers import encode_base64url

Account = Callable[[str], dict[str, Any]]


class Names:
    """Draws names from one counter; two walks with different `run` words share none."""

    def __init__(self, run: str, make_account: Account) -> None:
        self._run = run
        self._make_account = make_account
        self._numbers = itertools.count(1)
        self.secrets: set[str] = set()
        self.private: set[str] = set()

    def new_id(self) -> str:
        """An id as the service draws them."""
        return encode_base64url(hashlib.sha256(self._next().encode()).digest()[:16])

    def new_name(self, label: str) -> str:
        """A name that may be seen."""
        return f"{label}-{self._next()}"

    def new_private(self, label: str) -> str:
        """A value that only its tenant may see."""
        return self._keep(self.private, self.new_name(label))

    def new_secret(self, label: str) -> str:
        """A value that nobody may see."""
        return self._keep(self.secrets, self.new_name(label))

    def new_phone_number(self) -> str:
        """A number of the private kind."""
        return self._keep(self.private, f"+1555{next(self._numbers):07}")

    def new_target(self, kind: str) -> str:
        """A token or FID. All end alike: the last six characters are shown, and answers are compared."""
        number = next(self._numbers)
        return self._keep(self.secrets, f"d{number:06}{self._run:x<9.9}-ended"[:22] if kind == "fid" else f"{self._run}-{number:06}:APA91b-ended")

    def new_project(self) -> str:
        """A Firebase project that is nobody's."""
        return self.new_name("project")

    def new_endpoint(self) -> str:
        """A URL that may be posted to, whose path only its tenant may see: an operator reads it in the database."""
        return f"https://8.8.8.8/{self.new_private('hook')}"

    def new_account(self, project: str) -> dict[str, Any]:
        """A service account of a project; a line of its key stands for the key."""
        account = self._make_account(project)
        self.secrets.add(account["private_key"].splitlines()[5])
        return account

    def keep_secrets(self, values: Iterable[str]) -> None:
        """Note secrets that the service has drawn itself."""
        self.secrets.update(values)

    def _next(self) -> str:
        return f"{self._run}-{next(self._numbers):06}"

    @staticmethod
    def _keep(kept: set[str], value: str) -> str:
        kept.add(value)
        return value
