"""What every store of webhooks does: keep them, and write what they want into their tenant's document by the same commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.errors import Conflict, FanfareError, NotFound, TooManyWebhooks
from fanfare.domain.event import EventKind
from fanfare.domain.filters import AuditFilter
from fanfare.domain.listening import with_readers
from fanfare.domain.tenant import Tenant
from fanfare.domain.webhook import MOST_WEBHOOKS, Webhook, WebhookReason
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_webhook

ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED, DELETED = (trail(f"webhook.{done}", ACTOR, NOW) for done in ("created", "updated", "deleted"))
SENT = frozenset({EventKind.NOTIFICATION_SENT})
FULL = a_webhook(
    id="-full_1",
    description="Orders — ✓",
    active=False,
    inactive_reason=WebhookReason.FAILING,
    previous_secret="whsec_cHJldmlvdXM=",
    previous_valid_until=NOW + timedelta(hours=1),
    rotation_id="rotation-1",
    failure_count=7,
    failing_since=NOW - timedelta(days=5),
    last_triggered_at=NOW - timedelta(minutes=2),
)


def _create(stores: Stores, **fields: object) -> Webhook:
    webhook = a_webhook(**fields)
    stores.webhooks.create(webhook, CREATED)
    return webhook


def _update(stores: Stores, decide: Callable[[Webhook], Webhook | None], webhook_id: str = "webhook-1") -> Webhook | None:
    return stores.webhooks.update("acme", webhook_id, decide, UPDATED)


def _wanted(stores: Stores, tenant: str = "acme") -> dict[str, frozenset[EventKind]]:
    """What a tenant's document says of its webhooks, as this instance knows it."""
    found = stores.tenants.get(tenant)
    assert found is not None
    return dict(found.listening.webhooks)


def _actions(stores: Stores, webhook_id: str = "webhook-1") -> list[str]:
    return sorted(row.entry.action for row in stores.audit.list("acme", AuditFilter(resource_id=webhook_id), 100, None).items)


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except FanfareError as error:
        return error.code
    return "done"


@pytest.mark.parametrize("webhook", [a_webhook(), FULL], ids=["new", "full"])
def test_created_webhook_is_found_with_every_field(stores: Stores, tenant: str, webhook: Webhook) -> None:
    stores.webhooks.create(webhook, CREATED)
    assert stores.webhooks.get(tenant, webhook.id) == webhook
    assert _actions(stores, webhook.id) == ["webhook.created"]


def test_tenant_listens_from_the_commit_on_that_creates_a_webhook(stores: Stores, tenant: str) -> None:
    assert _wanted(stores) == {}
    webhook = _create(stores)
    assert _wanted(stores) == {"webhook-1": webhook.events}
    _create(stores, id="-2", events=SENT)
    assert _wanted(stores) == {"webhook-1": webhook.events, "-2": SENT}


def test_inactive_webhook_wants_nothing(stores: Stores, tenant: str) -> None:
    stores.webhooks.create(FULL, CREATED)
    assert _wanted(stores) == {}


@pytest.mark.parametrize("webhook_id", ["webhook-1", "no/such", "..", "", "__x__"])
def test_unknown_webhook_is_not_found(stores: Stores, tenant: str, other_tenant: str, webhook_id: str) -> None:
    theirs = _create(stores, tenant=other_tenant)
    assert stores.webhooks.get(tenant, webhook_id) is None
    assert stores.webhooks.update(tenant, webhook_id, lambda before: replace(before, active=False), UPDATED) is None
    assert not stores.webhooks.delete(tenant, webhook_id, DELETED)
    assert stores.webhooks.get(other_tenant, "webhook-1") == theirs
    assert (_wanted(stores), _wanted(stores, other_tenant)) == ({}, {"webhook-1": theirs.events})


def test_webhook_of_no_tenant_is_refused(stores: Stores) -> None:
    with pytest.raises(NotFound):
        _create(stores)


def test_id_is_taken_once(stores: Stores, tenant: str) -> None:
    first = _create(stores)
    with pytest.raises(Conflict):
        _create(stores, url="https://other.example.com/", events=SENT)
    assert stores.webhooks.get(tenant, "webhook-1") == first
    assert _wanted(stores) == {"webhook-1": first.events}
    assert _actions(stores) == ["webhook.created"]


def test_tenant_has_twenty_webhooks_at_most_the_inactive_ones_counted(stores: Stores, tenant: str, other_tenant: str) -> None:
    for number in range(MOST_WEBHOOKS):
        _create(stores, id=f"w{number}", active=number > 0)
    with pytest.raises(TooManyWebhooks):
        _create(stores)
    assert stores.webhooks.get(tenant, "webhook-1") is None
    assert "webhook-1" not in _wanted(stores)
    _create(stores, tenant=other_tenant)
    assert stores.webhooks.delete(tenant, "w0", DELETED)
    _create(stores)


def test_simultaneous_creations_lose_none_and_never_exceed_the_number(stores: Stores, tenant: str) -> None:
    for number in range(MOST_WEBHOOKS - 2):
        _create(stores, id=f"w{number}")
    outcomes = race([partial(_outcome, partial(_create, stores, id=f"new-{number}")) for number in range(4)])
    assert sorted(outcomes) == ["done", "done", "too_many_webhooks", "too_many_webhooks"]
    stored = {webhook.id for webhook in stores.webhooks.list(tenant, 100, None).items}
    assert len(stored) == MOST_WEBHOOKS
    assert _wanted(stores).keys() == stored


def test_simultaneous_changes_of_different_webhooks_are_all_listened_to(stores: Stores, tenant: str) -> None:
    kinds = sorted(EventKind)[:6]
    for number in range(6):
        _create(stores, id=f"w{number}")
    changes = [partial(_update, stores, lambda before, kind=kind: replace(before, events=frozenset({kind})), f"w{n}") for n, kind in enumerate(kinds)]
    race(changes)
    assert _wanted(stores) == {f"w{number}": frozenset({kind}) for number, kind in enumerate(kinds)}


def test_tenants_own_writers_overwrite_no_listener(stores: Stores, tenant: str) -> None:
    def rename(number: int) -> object:
        return stores.tenants.update(tenant, lambda before: replace(before, config_version=before.config_version + number))

    def read_more(reader: str) -> object:
        def decide(before: Tenant) -> Tenant | None:
            listening = with_readers(before.listening, [reader], NOW)
            return replace(before, listening=listening) if listening is not None else None

        return stores.tenants.update(tenant, decide)

    for number in range(3):
        _create(stores, id=f"old-{number}")
    race(
        [
            partial(rename, 1),
            partial(read_more, EventKind.NOTIFICATION_READ),
            *(partial(_create, stores, id=f"new-{number}") for number in range(3)),
            partial(_update, stores, lambda before: replace(before, events=SENT), "old-0"),
            partial(stores.webhooks.delete, tenant, "old-1", DELETED),
        ]
    )
    kinds = a_webhook().events
    assert _wanted(stores) == {"old-0": SENT, "old-2": kinds, "new-0": kinds, "new-1": kinds, "new-2": kinds}
    found = stores.tenants.get_fresh(tenant)
    assert found is not None
    assert (found.config_version, found.listening.readers.keys()) == (1, {EventKind.NOTIFICATION_READ})


def test_stale_reading_of_a_tenant_is_decided_again(stores: Stores, tenant: str) -> None:
    def decide(before: Tenant) -> Tenant:
        if not before.listening.webhooks:
            _create(stores)
        return replace(before, config_version=1)

    updated = stores.tenants.update(tenant, decide)
    assert updated is not None
    assert updated.listening.webhooks.keys() == {"webhook-1"} == _wanted(stores).keys()


def test_change_is_stored_with_its_entry_and_listened_to(stores: Stores, tenant: str) -> None:
    first = _create(stores)
    after = replace(first, url="https://new.example.com/", events=SENT, secret="whsec_bmV3", previous_secret=first.secret)
    assert _update(stores, lambda _before: after) == after
    assert stores.webhooks.get(tenant, "webhook-1") == after
    assert _wanted(stores) == {"webhook-1": SENT}
    assert _actions(stores) == ["webhook.created", "webhook.updated"]


def test_disabled_webhook_is_listened_to_no_more_until_it_is_enabled(stores: Stores, tenant: str) -> None:
    webhook = _create(stores)
    stores.webhooks.update(tenant, "webhook-1", lambda before: replace(before, active=False, inactive_reason=WebhookReason.GONE))
    assert _wanted(stores) == {}
    _update(stores, lambda before: replace(before, active=True, inactive_reason=None))
    assert _wanted(stores) == {"webhook-1": webhook.events}
    assert _actions(stores) == ["webhook.created", "webhook.updated"]


def test_decision_to_change_nothing_stores_nothing(stores: Stores, tenant: str) -> None:
    first = _create(stores)
    assert _update(stores, lambda _before: None) == first
    assert _actions(stores) == ["webhook.created"]


def test_simultaneous_changes_of_one_webhook_are_one_after_the_other(stores: Stores, tenant: str) -> None:
    _create(stores)
    race([partial(stores.webhooks.update, tenant, "webhook-1", lambda before: replace(before, failure_count=before.failure_count + 1))] * 4)
    found = stores.webhooks.get(tenant, "webhook-1")
    assert found is not None
    assert found.failure_count == 4


def test_webhook_is_deleted_once_and_wants_nothing_afterwards(stores: Stores, tenant: str) -> None:
    _create(stores)
    _create(stores, id="other", events=SENT)
    assert sorted(race([partial(stores.webhooks.delete, tenant, "webhook-1", DELETED)] * 3)) == [False, False, True]
    assert stores.webhooks.get(tenant, "webhook-1") is None
    assert _wanted(stores) == {"other": SENT}
    assert _actions(stores) == ["webhook.created", "webhook.deleted"]
    _create(stores)


def test_webhooks_are_listed_in_pages_by_their_ids(stores: Stores, tenant: str, other_tenant: str) -> None:
    made = [_create(stores, id=webhook_id, active=webhook_id != "b") for webhook_id in ("c", "a", "d", "b")]
    _create(stores, tenant=other_tenant)
    by_id = {webhook.id: webhook for webhook in made}
    first = stores.webhooks.list(tenant, 3, None)
    last = stores.webhooks.list(tenant, 3, first.next_after)
    assert [*first.items, *last.items] == [by_id[webhook_id] for webhook_id in "abcd"]
    assert last.next_after is None
    assert [webhook.id for webhook in stores.webhooks.list(tenant, 10, None, active=True).items] == ["a", "c", "d"]
    assert [webhook.id for webhook in stores.webhooks.list(tenant, 10, "a", active=False).items] == ["b"]
