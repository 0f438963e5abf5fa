from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.errors import Unauthenticated
from fanfare.ports import Deps
from fanfare.services.authenticate import authenticate_client
from tests.factories import NOW, a_client, client_token
from tests.fakes import fake_deps


def _deps(**fields: Any) -> Deps:
    deps = fake_deps()
    deps.clients.create(a_client(**fields))
    deps.clients.create(a_client(id="client-2"))
    return deps


def test_client_is_known_by_its_token() -> None:
    assert authenticate_client(_deps(), "client-1", client_token()) == a_client()


def test_client_is_known_until_it_expires() -> None:
    expires_at = NOW + timedelta(microseconds=1)
    assert authenticate_client(_deps(expires_at=expires_at), "client-1", client_token()).expires_at == expires_at


def _refusal(deps: Deps, client_id: str, token: str) -> tuple[type[Exception], str]:
    with pytest.raises(Unauthenticated) as refused:
        authenticate_client(deps, client_id, token)
    return type(refused.value), refused.value.detail


@pytest.mark.parametrize(
    ("fields", "client_id", "token"),
    [
        ({}, "client-1", "wrong"),
        ({}, "client-1", client_token("client-2")),
        ({}, "client-1", client_token().upper()),
        ({}, "client-1", ""),
        ({}, "", client_token()),
        ({}, "nobody", client_token("nobody")),
        ({"expires_at": NOW}, "client-1", client_token()),
        ({"expires_at": NOW - timedelta(days=1)}, "client-1", client_token()),
        ({"revoked_at": NOW - timedelta(days=1)}, "client-1", client_token()),
    ],
)
def test_whoever_may_not_in_is_told_the_same(fields: dict[str, Any], client_id: str, token: str) -> None:
    assert _refusal(_deps(**fields), client_id, token) == _refusal(_deps(), "unknown", "unknown")
