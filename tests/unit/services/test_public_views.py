"""What a profile's own app may listen to: written while apps listen, changed with every state that is stored, and gone with the profile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.listening import PUBLIC, Listening
from fanfare.domain.message import Platform
from fanfare.domain.notification import Notification, NotificationStatus
from fanfare.domain.profile import Profile
from fanfare.domain.public_view import MOST_VIEWERS, PublicView
from fanfare.domain.send_request import Addressees, RawTarget
from fanfare.services.accept_notification import accept_notification
from fanfare.services.change_profile import erase_profile
from fanfare.services.clean_up import clean_up
from fanfare.services.deliver_chunk import deliver_chunk
from fanfare.services.steer_notification import cancel_notification, pause_notification, resume_notification, retry_notification
from tests.factories import NOW, TENANT_ID, a_call, a_token
from tests.fakes import MemoryNotificationStore
from tests.unit.services.delivering import BUSY, GONE, World, a_world
from tests.unit.services.scheduling import DUE, a_scheduling_world
from tests.unit.services.seeding import a_request, add_devices, add_profile, device_of, profile_id, username

QUEUED, SENDING, COMPLETED = NotificationStatus.QUEUED, NotificationStatus.SENDING, NotificationStatus.COMPLETED
CANCELLED, PAUSED = NotificationStatus.CANCELLED, NotificationStatus.PAUSED
DAY = timedelta(days=1)


class Listeners:
    """Alice with two devices, Bob with one, and one that both share; an app listens until the end of tomorrow."""

    def __init__(self) -> None:
        self.store = MemoryNotificationStore()
        self.world: World = a_world(notifications=self.store)
        self.deps = self.world.deps
        self.listen(NOW + 2 * DAY)
        self.alice = add_profile(self.deps, "alice", username="alice", phone_number="+255712345678")
        self.bob = add_profile(self.deps, "bob", username="bob", phone_number="+255712345679")
        self.add(self.alice, "phone")
        self.add(self.alice, "tablet")
        self.add(self.bob, "bobs")
        self.add((self.alice, self.bob), "desk")

    def listen(self, until: datetime) -> None:
        self.world.tenants.update(TENANT_ID, lambda tenant: replace(tenant, listening=Listening(readers={PUBLIC: until})))

    def add(self, owners: Profile | tuple[Profile, ...], name: str) -> None:
        of = owners if isinstance(owners, tuple) else (owners,)
        add_devices(self.deps, device_of(*of, id=name, target=a_token(name)))

    def send(self, *addresses: Address, **fields: Any) -> Notification:
        to = fields.pop("to", Addressees(addresses=addresses))
        return accept_notification(self.deps, a_call(), a_request(to, **fields)).notification

    def deliver(self, sent: Notification) -> None:
        deliver_chunk(self.deps, ChunkKey(TENANT_ID, sent.id, 0), "request-1")

    def seen(self, sent: Notification) -> dict[str, tuple[NotificationStatus, int, int, int, int, int]]:
        """By profile: the state, and how many are targeted, sent, failed, retrying and unsent."""
        return {profile: _words(view) for (_, notification, profile), view in self.store.views.items() if notification == sent.id}


def _words(view: PublicView) -> tuple[NotificationStatus, int, int, int, int, int]:
    counts = view.counts
    return view.status, counts.targeted, counts.sent, counts.failed, counts.retrying, counts.unsent


@pytest.fixture
def there() -> Listeners:
    return Listeners()


def test_each_addressed_profile_sees_its_own_devices_from_the_beginning(there: Listeners) -> None:
    sent = there.send(username("alice"), profile_id("bob"))
    assert there.seen(sent) == {"alice": (QUEUED, 3, 0, 0, 0, 3), "bob": (QUEUED, 2, 0, 0, 0, 2)}
    assert {view.created_at for view in there.store.views.values()} == {NOW}


@pytest.mark.parametrize("address", [username("alice"), profile_id("alice"), Address(AddressKind.PHONE, "+255712345678")])
def test_who_shares_a_device_of_an_addressed_profile_sees_nothing(there: Listeners, address: Address) -> None:
    assert there.seen(there.send(address)) == {"alice": (QUEUED, 3, 0, 0, 0, 3)}


def test_device_that_is_addressed_itself_is_seen_by_all_of_its_owners(there: Listeners) -> None:
    sent = there.send(to=Addressees(device_ids=("desk", "phone")))
    assert there.seen(sent) == {"alice": (QUEUED, 2, 0, 0, 0, 2), "bob": (QUEUED, 1, 0, 0, 0, 1)}


def test_end_of_a_pass_shows_each_what_became_of_its_own_devices(there: Listeners) -> None:
    there.world.sender.answers = {a_token("phone").value: GONE, a_token("bobs").value: BUSY}
    sent = there.send(username("alice"), username("bob"))
    there.deliver(sent)
    assert there.seen(sent) == {"alice": (SENDING, 3, 2, 1, 0, 0), "bob": (SENDING, 2, 1, 0, 1, 0)}
    there.world.sender.answers = {}
    there.world.clock.advance(timedelta(minutes=1))
    there.deliver(sent)
    assert there.seen(sent) == {"alice": (COMPLETED, 3, 2, 1, 0, 0), "bob": (COMPLETED, 2, 2, 0, 0, 0)}


def test_pause_resume_and_cancel_are_seen(there: Listeners) -> None:
    sent = there.send(username("bob"))
    for steer, status in ((pause_notification, PAUSED), (resume_notification, QUEUED), (cancel_notification, CANCELLED)):
        steer(there.deps, a_call(), sent.id)
        assert there.seen(sent) == {"bob": (status, 2, 0, 0, 0, 2)}


def test_replay_is_seen(there: Listeners) -> None:
    there.world.sender.answers = {a_token("bobs").value: BUSY}
    sent = there.send(username("bob"))
    for _ in range(10):
        there.deliver(sent)
        there.world.clock.advance(timedelta(minutes=10))
    assert there.seen(sent) == {"bob": (COMPLETED, 2, 1, 1, 0, 0)}
    retry_notification(there.deps, a_call(), sent.id)
    status, targeted, done, failed, retrying, unsent = there.seen(sent)["bob"]
    assert (status, targeted, done, failed, retrying + unsent) == (SENDING, 2, 1, 0, 1)


def test_nothing_is_written_while_nobody_listens(there: Listeners) -> None:
    there.listen(NOW)
    sent = there.send(username("alice"))
    there.deliver(sent)
    assert (there.store.views, sent.viewers) == ({}, {})


def test_what_was_sent_before_anybody_listened_stays_unseen(there: Listeners) -> None:
    there.listen(NOW)
    sent = there.send(username("alice"))
    there.listen(NOW + DAY)
    there.deliver(sent)
    assert there.store.views == {}


@pytest.mark.parametrize(
    "to",
    [
        Addressees(targets=(RawTarget(a_token("phone"), Platform.ANDROID),)),
        Addressees(addresses=(username("nobody"),)),
    ],
)
def test_what_reaches_nobody_that_is_known_is_seen_by_nobody(there: Listeners, to: Addressees) -> None:
    there.send(to=to)
    assert there.store.views == {}


def test_dry_run_is_seen_by_nobody(there: Listeners) -> None:
    there.send(username("alice"), validate_only=True)
    assert there.store.views == {}


@pytest.mark.parametrize(("people", "seen"), [(MOST_VIEWERS, MOST_VIEWERS), (MOST_VIEWERS + 1, 0)])
def test_what_goes_to_more_than_a_hundred_is_seen_by_nobody(there: Listeners, people: int, seen: int) -> None:
    profiles = [add_profile(there.deps, f"one-{number}") for number in range(people)]
    for profile in profiles:
        there.add(profile, f"of-{profile.id}")
    sent = there.send(*(profile_id(profile.id) for profile in profiles))
    there.deliver(sent)
    assert len(there.seen(sent)) == seen
    assert (sent.counts.targeted, there.world.notification(sent.id).counts.sent) == (people, people)


@pytest.mark.parametrize(("zone", "seen"), [("UTC", {"alice"}), ("recipient", set())])
def test_schedule_is_seen_when_it_fires_but_not_where_each_gets_it_at_another_time(zone: str, seen: set[str]) -> None:
    world = a_scheduling_world()
    world.deps.tenants.update(TENANT_ID, lambda tenant: replace(tenant, listening=Listening(readers={PUBLIC: DUE + DAY})))
    world.schedule(local_time="08:00", date="2026-11-25", timezone=zone)
    world.tick(DUE)
    (made,) = world.made()
    assert made.counts.targeted > 0
    assert set(made.viewers) == seen


def test_erased_profile_leaves_nothing_to_see_and_gets_nothing_again(there: Listeners) -> None:
    sent, other = there.send(username("alice"), username("bob")), there.send(username("alice"))
    erase_profile(there.deps, a_call(), "alice")
    assert (list(there.seen(sent)), there.seen(other)) == (["bob"], {})
    there.deliver(sent)
    there.deliver(other)
    assert there.seen(sent) == {"bob": (COMPLETED, 2, 2, 0, 0, 0)}
    assert there.seen(other) == {}


def test_cleanup_removes_them_with_their_notification(there: Listeners) -> None:
    sent = there.send(username("bob"))
    there.deliver(sent)
    there.world.clock.advance(400 * DAY)
    there.listen(there.world.clock.now() + DAY)
    fresh = there.send(username("bob"))
    there.deliver(fresh)
    clean_up(there.deps, TENANT_ID, "cleanup")
    assert there.deps.notifications.get(TENANT_ID, sent.id) is None
    assert {name for _, name, _ in there.store.views} == {fresh.id}
