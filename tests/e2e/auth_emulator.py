"""Users of an app in the Auth emulator, and their ID tokens as the app's SDK would get them."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, content_of, fresh

# The emulator's word for an administrator: only one may act in a project that is not the emulator's own.
_OWNER = {"Authorization": "Bearer owner"}


@dataclass(frozen=True)
class SignedIn:
    """A user who has signed in."""

    uid: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The credential, as headers."""
        return {"Authorization": f"Bearer {self.token}"}


def sign_in_new_user(stack: Stack, project: str) -> SignedIn:
    """Create a user of a Firebase project and sign them in."""
    accounts = f"http://{stack.auth_host}/identitytoolkit.googleapis.com/v1"
    login = {"email": f"{fresh('user')}@example.com", "password": "correct-horse"}
    created = requests.post(f"{accounts}/projects/{project}/accounts", json=login, headers=_OWNER, timeout=TIMEOUT_SECONDS)
    body = {**login, "returnSecureToken": True, "targetProjectId": project}
    signed_in = requests.post(f"{accounts}/accounts:signInWithPassword", json=body, headers=_OWNER, timeout=TIMEOUT_SECONDS)
    return SignedIn(content_of(created, 200)["localId"], content_of(signed_in, 200)["idToken"])
