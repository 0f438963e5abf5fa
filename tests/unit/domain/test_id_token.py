"""What an ID token must say to be one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.id_token import LONGEST_UID, TokenSubject, User, read_claims
from tests.factories import NOW

SECONDS = NOW.timestamp()
USUAL: dict[str, Any] = {
    "iss": "https://securetoken.google.com/acme-app",
    "aud": "acme-app",
    "sub": "uid-1",
    "iat": SECONDS - 60,
    "auth_time": SECONDS - 3_600,
    "exp": SECONDS + 3_540,
}


def test_claims_in_order_name_the_user_and_the_project() -> None:
    assert read_claims(USUAL, NOW) == TokenSubject("acme-app", "uid-1")


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "x"},
        {"sub": "x" * LONGEST_UID},
        {"sub": "with space, é and 🎺"},
        {"exp": SECONDS - 4},
        {"iat": SECONDS + 5},
        {"auth_time": SECONDS + 5},
        {"exp": SECONDS + 0.5},
        {"email": "a@example.com", "firebase": {}},
    ],
)
def test_claims_within_the_rules_are_good(changed: dict[str, Any]) -> None:
    assert read_claims({**USUAL, **changed}, NOW) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://securetoken.google.com/other-app"},
        {"iss": "https://accounts.google.com"},
        {"iss": "https://session.firebase.google.com/acme-app"},
        {"aud": "other-app"},
        {"aud": ["acme-app"]},
        {"aud": "", "iss": "https://securetoken.google.com/"},
        {"sub": ""},
        {"sub": "x" * (LONGEST_UID + 1)},
        {"sub": 5},
        {"sub": "a\nb"},
        {"sub": "a\0b"},
        {"sub": "\ud800"},
        {"exp": SECONDS - 5},
        {"exp": SECONDS - 86_400},
        {"exp": str(SECONDS + 60)},
        {"exp": True},
        {"iat": SECONDS + 6},
        {"iat": str(SECONDS)},
        {"auth_time": SECONDS + 6},
        {"auth_time": False},
    ],
)
def test_claims_beyond_the_rules_are_nobodys(changed: dict[str, Any]) -> None:
    assert read_claims({**USUAL, **changed}, NOW) is None


@pytest.mark.parametrize("claim", USUAL)
def test_missing_claim_is_missed(claim: str) -> None:
    assert read_claims({name: value for name, value in USUAL.items() if name != claim}, NOW) is None
    assert read_claims({**USUAL, claim: None}, NOW) is None


@given(st.dictionaries(st.sampled_from([*USUAL, "other"]), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())))
def test_any_claims_are_read_or_refused(claims: dict[str, Any]) -> None:
    for given_claims in (claims, {**USUAL, **claims}):
        found = read_claims(given_claims, NOW)
        assert found is None or (found.uid, f"https://securetoken.google.com/{found.project}") == (given_claims["sub"], given_claims["iss"])


def test_users_are_counted_apart_from_each_other_and_from_clients() -> None:
    names = {User("acme", uid).actor_id for uid in ("uid-1", "uid-2", "user:uid-1")}
    assert len(names) == 3
    assert all(":" in name and "/" not in name for name in names)
