"""What every client store does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.client import Scope
from fanfare.domain.errors import Conflict
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_client


def test_created_client_is_found_with_every_field(stores: Stores) -> None:
    client = a_client(
        scopes=frozenset({Scope.SEND, Scope.READ}),
        expires_at=NOW + timedelta(days=90),
        revoked_at=NOW + timedelta(days=1),
        limits={"send": 100_000},
    )
    stores.clients.create(client)
    assert stores.clients.get(client.id) == client


def test_unknown_client_is_not_found(stores: Stores) -> None:
    stores.clients.create(a_client())
    assert stores.clients.get("client-2") is None


def test_client_is_found_although_it_was_asked_for_before_it_existed(stores: Stores) -> None:
    assert stores.clients.get("client-1") is None
    stores.clients.create(a_client())
    assert stores.clients.get("client-1") == a_client()


@pytest.mark.parametrize("client_id", ["", "a/b", ".", "..", "__reserved__", "x" * 2_000, "é", "a\0b", "\ud800"])
def test_id_that_can_be_nobodys_is_not_found(stores: Stores, client_id: str) -> None:
    assert stores.clients.get(client_id) is None


def test_taken_id_is_refused_and_its_client_stays(stores: Stores) -> None:
    stores.clients.create(a_client())
    with pytest.raises(Conflict):
        stores.clients.create(replace(a_client(), name="An impostor"))
    assert stores.clients.get("client-1") == a_client()


def test_two_simultaneous_creations_of_one_id_make_one_client(stores: Stores) -> None:
    def create(name: str) -> str | None:
        try:
            stores.clients.create(a_client(name=name))
        except Conflict:
            return None
        return name

    names = [name for name in race([lambda: create("first"), lambda: create("second")]) if name]
    stored = stores.clients.get("client-1")
    assert stored is not None
    assert names == [stored.name]
