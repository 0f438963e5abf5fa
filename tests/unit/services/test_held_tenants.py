"""What holds a tenant's messages, and what lets them go on: breakers, probes, the brake, the release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fanfare.domain.brake import FEWEST_RESULTS, HeldChunk, Quarantine
from fanfare.domain.breaker import ALL, FIRST_PROBE
from fanfare.domain.chunk import ChunkKey, ChunkState
from fanfare.domain.classification import Answer
from fanfare.domain.client import Scope
from fanfare.domain.delivery import RESUME_WAIT
from fanfare.domain.device import InactiveReason
from fanfare.domain.errors import Conflict, CredentialRefused, NotFound, Unavailable
from fanfare.domain.filters import DeadLetterFilter
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome
from fanfare.domain.tenant import DRAINING
from fanfare.services.hold_tenant import close_tenant_breaker, list_held_tenants, postpone_tenant_probe
from fanfare.services.release_tenant import HeldTargets, release_tenant
from tests.factories import TENANT_ID, a_call, a_client
from tests.unit.services.delivering import (
    ANDROID,
    BAD_KEY,
    BAD_PAYLOAD,
    BAD_TARGET,
    BUSY,
    FORBIDDEN,
    FOREIGN,
    GONE,
    IOS,
    NO_LOGIN,
    WEB,
    World,
    a_chunk_of,
    a_world,
    accepted,
    audited,
)

SENT, FAILED, RETRYING = Outcome.SENT, Outcome.FAILED, Outcome.RETRYING


def everybody(world: World, answer: Answer) -> World:
    """Let FCM give all numbered devices the same answer."""
    world.answer(dict.fromkeys(range(1, 200), answer))
    return world


def many(world: World) -> World:
    return everybody(world, FOREIGN)


class UnreadableReceiptKeys:
    """A Secret Manager that does not answer."""

    def receipt_key(self, tenant: str) -> bytes:
        raise Unavailable(f"The receipt key of {tenant} can't be read.")


def test_broken_project_parks_the_chunk_and_fails_nobody() -> None:
    world = everybody(a_chunk_of(ANDROID, ANDROID), FORBIDDEN)
    world.deliver()
    chunk = world.chunk()
    assert (chunk.state, chunk.reason, chunk.counts.unsent, chunk.counts.failed) == (ChunkState.PARKED, "breaker_open:PERMISSION_DENIED", 2, 0)
    assert world.tenant().breakers[ALL].reason == "PERMISSION_DENIED"
    assert world.notification().status is NotificationStatus.SENDING
    assert world.notification().status_reason == "breaker_open:PERMISSION_DENIED"


def test_refused_token_is_renewed_once_before_the_breaker_opens() -> None:
    world = everybody(a_chunk_of(ANDROID), NO_LOGIN)
    world.deliver()
    assert world.sender.renewed == [TENANT_ID]
    assert world.sent_to() == [1, 1]
    assert world.tenant().breakers[ALL].reason == "UNAUTHENTICATED"


def test_token_that_was_only_stale_is_renewed_and_everybody_is_sent_to() -> None:
    world = everybody(a_chunk_of(ANDROID, IOS, batch_size=1), NO_LOGIN)
    world.sender.on_batch = lambda: world.answer({})
    world.deliver()
    assert world.sender.renewed == [TENANT_ID]
    assert (world.outcomes(), world.tenant().breakers) == ({1: SENT, 2: SENT}, {})
    assert world.chunk().results["device-1"].attempts == 1, "a refused login was no try of the message"


def test_credential_that_google_refuses_parks_the_chunk_and_opens_the_breaker() -> None:
    world = a_chunk_of(ANDROID, IOS)
    world.sender.failure = CredentialRefused("invalid_grant")
    world.deliver()
    assert (world.chunk().state, world.chunk().reason) == (ChunkState.PARKED, "breaker_open:invalid_grant")
    assert world.notification().counts == Counts(2, unsent=2)
    world.tick(FIRST_PROBE)
    assert world.tenant().breakers[ALL].probes == 1
    world.sender.failure = None
    world.tick(3 * FIRST_PROBE)
    world.tick()
    assert (world.outcomes(), world.tenant().breakers) == ({1: SENT, 2: SENT}, {})


def test_receipt_key_that_can_not_be_read_fails_nobody_and_blames_no_credential() -> None:
    world = accepted(a_world(ANDROID, receipt_keys=UnreadableReceiptKeys()))
    world.deliver()
    assert (world.chunk().state, world.chunk().counts) == (ChunkState.RETRYING, Counts(1, unsent=1))
    assert world.due() == [world.clock.now() + RESUME_WAIT]
    assert world.tenant().breakers == {}


def test_open_breaker_parks_the_next_chunk_without_asking_fcm() -> None:
    world = everybody(a_world(ANDROID), FORBIDDEN)
    accepted(world)
    world.deliver()
    world.sent_to()
    other = ChunkKey(TENANT_ID, "notification-2", 0)
    accepted(world, id="notification-2")
    world.deliver(other)
    assert world.sent_to() == []
    assert world.chunk(other).state is ChunkState.PARKED


def test_breaker_is_probed_after_a_minute_and_stays_open_while_fcm_refuses() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    world.deliver()
    world.sent_to()
    world.tick(FIRST_PROBE)
    assert [body.get("validate_only") for _, body in world.sender.sent] == [True]
    breaker = world.tenant().breakers[ALL]
    assert (breaker.probes, breaker.probe_at > world.clock.now()) == (1, True)
    assert world.chunk().state is ChunkState.PARKED


def test_mended_project_closes_its_breaker_and_what_was_parked_is_sent() -> None:
    world = everybody(a_chunk_of(ANDROID, IOS), FORBIDDEN)
    world.deliver()
    world.sent_to()
    world.answer({})
    world.tick(FIRST_PROBE)
    assert world.tenant().breakers == {}
    world.tick()
    assert world.outcomes() == {1: SENT, 2: SENT}
    assert world.notification().status is NotificationStatus.COMPLETED


def test_server_error_proves_nothing_to_a_probe() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    world.deliver()
    everybody(world, BUSY)
    world.tick(FIRST_PROBE)
    assert ALL in world.tenant().breakers


def test_ending_instance_parks_what_its_broken_project_holds() -> None:
    world = everybody(a_chunk_of(ANDROID, ANDROID, batch_size=1), FORBIDDEN)
    world.lifecycle.stopping = True
    world.deliver()
    assert (world.chunk().state, world.chunk().reason) == (ChunkState.PARKED, "breaker_open:PERMISSION_DENIED")


def test_breaker_without_parked_work_closes_at_its_probe() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    world.deliver()
    world.answer({})
    world.tick(FIRST_PROBE)
    world.tick()
    everybody(world, FORBIDDEN)
    accepted(world, id="notification-2", ttl_seconds=60)
    world.deliver(ChunkKey(TENANT_ID, "notification-2", 0))
    world.tick(timedelta(minutes=3))
    world.tick(timedelta(minutes=30))
    world.tick(timedelta(minutes=30))
    assert world.chunk(ChunkKey(TENANT_ID, "notification-2", 0)).state is ChunkState.DONE
    assert world.tenant().breakers == {}


def test_draining_ends_once_nothing_is_parked_and_no_pass_can_be_under_way() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    world.deliver()
    world.answer({})
    world.tick(FIRST_PROBE)
    world.tick()
    assert world.tenant().draining_until is not None
    world.tick(DRAINING)
    assert world.tenant().draining_until is None


def test_bad_key_of_one_platform_holds_that_platform_alone() -> None:
    world = a_world(IOS, ANDROID)
    accepted(world, 1)
    world.answer({1: BAD_KEY})
    world.deliver()
    assert set(world.tenant().breakers) == {"ios"}
    assert world.outcomes() == {1: FAILED}
    other = ChunkKey(TENANT_ID, "notification-2", 0)
    accepted(world, 1, 2, id="notification-2")
    world.deliver(other)
    assert world.outcomes(other) == {2: SENT}
    assert (world.chunk(other).state, world.chunk(other).reason) == (ChunkState.PARKED, "platform_breaker_open")


def test_failure_for_a_bad_key_is_a_dead_letter() -> None:
    world = everybody(a_chunk_of(IOS), BAD_KEY)
    world.deliver()
    assert world.deps.notifications.list_dead_letters(TENANT_ID, DeadLetterFilter(), 10, None).items[0].codes == {"THIRD_PARTY_AUTH_ERROR": 1}


def _both_keys_bad() -> World:
    """The breakers of iOS and of the web open, with a chunk parked for each."""
    world = a_world(IOS, WEB)
    world.answer({1: BAD_KEY, 2: BAD_KEY})
    for number, name in ((1, "ios-1"), (2, "web-1"), (1, "ios-2"), (2, "web-2")):
        accepted(world, number, id=name)
        world.deliver(ChunkKey(TENANT_ID, name, 0))
    assert set(world.tenant().breakers) == {"ios", "web"}
    world.sent_to()
    return world


def test_breaker_of_a_platform_is_probed_with_a_device_of_that_platform() -> None:
    world = _both_keys_bad()
    world.answer({1: BAD_KEY})
    world.tick(FIRST_PROBE)
    assert sorted(body["message"]["token"] for _, body in world.sender.sent) == [world.device(number).target.value for number in (1, 2)]
    assert set(world.tenant().breakers) == {"ios"}
    world.tick()
    assert world.outcomes(ChunkKey(TENANT_ID, "web-2", 0)) == {2: SENT}
    assert world.chunk(ChunkKey(TENANT_ID, "ios-2", 0)).state is ChunkState.PARKED


def test_breaker_whose_time_has_not_come_is_not_probed() -> None:
    world = a_world(IOS, WEB)
    world.answer({1: BAD_KEY, 2: BAD_KEY})
    for number, name in ((1, "ios-1"), (2, "web-1")):
        accepted(world, number, id=name)
        world.deliver(ChunkKey(TENANT_ID, name, 0))
        world.clock.advance(FIRST_PROBE / 2)
    world.tick(timedelta(0))
    assert set(world.tenant().breakers) == {"web"}, "the one of iOS was due, and nothing is parked that could tell"


def test_breaker_that_another_tick_closed_meanwhile_stays_closed() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    world.deliver()
    close_tenant_breaker(world.deps, TENANT_ID, ALL)
    closed = world.tenant()
    world.clock.advance(FIRST_PROBE)
    close_tenant_breaker(world.deps, TENANT_ID, ALL)
    postpone_tenant_probe(world.deps, TENANT_ID, ALL)
    assert world.tenant() == closed


def test_mended_key_lets_the_platform_go_on() -> None:
    world = a_world(WEB, ANDROID)
    accepted(world, 1)
    world.answer({1: BAD_KEY})
    world.deliver()
    other = ChunkKey(TENANT_ID, "notification-2", 0)
    accepted(world, 1, 2, id="notification-2")
    world.deliver(other)
    world.answer({})
    world.tick(FIRST_PROBE)
    world.tick()
    assert world.outcomes(other) == {1: SENT, 2: SENT}


def test_parked_message_that_expires_is_kept_as_a_dead_letter() -> None:
    world = everybody(a_chunk_of(ANDROID, ttl_seconds=120), FORBIDDEN)
    world.deliver()
    world.tick(timedelta(minutes=10))
    world.tick(timedelta(minutes=10))
    assert world.chunk().state is ChunkState.DONE
    assert world.deps.notifications.list_dead_letters(TENANT_ID, DeadLetterFilter(), 10, None).items[0].codes == {"EXPIRED": 1}


def test_implausible_share_of_dying_targets_retires_nobody_and_quarantines_the_tenant() -> None:
    world = many(a_chunk_of(*[ANDROID] * FEWEST_RESULTS))
    world.deliver()
    assert world.retired() == []
    quarantine = world.tenant().quarantine
    assert quarantine is not None
    assert (quarantine.reason, [held.notification_id for held in quarantine.held]) == ("sender_id_mismatch", ["notification-1"])
    assert [entry.action for entry in audited(world)] == ["tenant.quarantined"]


def test_plausible_share_is_retired() -> None:
    world = a_chunk_of(*[ANDROID] * FEWEST_RESULTS)
    world.answer(dict.fromkeys(range(1, 26), GONE))
    world.deliver()
    assert world.retired() == list(range(1, 26))
    assert world.tenant().quarantine is None


def test_small_sends_are_judged_together() -> None:
    world = many(a_world(*[ANDROID] * 60))
    for number in range(1, 61):
        accepted(world, number, id=f"small-{number}")
        world.deliver(ChunkKey(TENANT_ID, f"small-{number}", 0))
    assert world.retired() == list(range(1, FEWEST_RESULTS))
    assert world.tenant().quarantine is not None


def test_quarantined_tenant_sends_nothing() -> None:
    world = many(a_world(*[ANDROID] * FEWEST_RESULTS))
    accepted(world)
    world.deliver()
    world.sent_to()
    other = ChunkKey(TENANT_ID, "notification-2", 0)
    accepted(world, id="notification-2")
    world.deliver(other)
    world.tick()
    assert world.sent_to() == []
    assert (world.chunk(other).state, world.chunk(other).reason) == (ChunkState.PARKED, "quarantined")


def _quarantined() -> World:
    world = many(a_world(*[ANDROID] * FEWEST_RESULTS))
    accepted(world)
    world.deliver()
    accepted(world, 1, id="notification-2")
    world.deliver(ChunkKey(TENANT_ID, "notification-2", 0))
    return world


def test_release_that_keeps_the_targets_sends_what_was_parked() -> None:
    world = _quarantined()
    world.answer({})
    released = release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.KEEP)
    assert released.quarantine is None
    world.tick()
    assert world.outcomes(ChunkKey(TENANT_ID, "notification-2", 0)) == {1: SENT}
    assert world.retired() == []
    assert [(entry.action, entry.actor.id) for entry in audited(world)][-1] == ("tenant.released", "client-1")


def test_release_that_retires_the_targets_retires_those_that_failed() -> None:
    world = _quarantined()
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert world.retired() == list(range(1, FEWEST_RESULTS + 1))
    assert world.device(1).inactive_reason is InactiveReason.SENDER_ID_MISMATCH


@pytest.mark.parametrize("payload", [BAD_PAYLOAD, BUSY], ids=["bad", "unknown"])
def test_release_retires_nobody_whose_payload_was_refused_although_the_code_is_the_same(payload: Answer) -> None:
    world = a_chunk_of(*[ANDROID] * FEWEST_RESULTS, *[IOS] * 3, WEB)
    world.answer(dict.fromkeys(range(1, FEWEST_RESULTS), BAD_TARGET) | dict.fromkeys((51, 52, 53), BAD_PAYLOAD))
    world.deliver()
    quarantine = world.tenant().quarantine
    assert quarantine is not None
    assert quarantine.reason == "bad_target"
    assert world.notification().errors == {"INVALID_ARGUMENT": FEWEST_RESULTS + 2}
    world.sender.answers["fanfare-validation"] = payload
    world.clock.advance(timedelta(days=30))
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert world.retired() == list(range(1, FEWEST_RESULTS))
    assert world.device(1).inactive_reason is InactiveReason.INVALID_TARGET


def test_release_asks_about_the_payload_where_nobody_took_it() -> None:
    world = everybody(a_chunk_of(*[ANDROID] * FEWEST_RESULTS), BAD_TARGET)
    world.deliver()
    world.clock.advance(timedelta(days=30))
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert world.retired() == list(range(1, FEWEST_RESULTS + 1))
    asked = world.sender.sent[-1][1]
    assert (asked["validate_only"], asked["message"]["android"]["ttl"]) == (True, "3600s"), "as if it were sent now"


def test_held_notification_that_is_gone_does_not_keep_the_tenant_in_quarantine() -> None:
    world = _quarantined()
    held = Quarantine("sender_id_mismatch", world.clock.now(), (HeldChunk("cleaned-up", 0), HeldChunk("notification-1", 0)))
    world.tenants.update(TENANT_ID, lambda tenant: replace(tenant, quarantine=held))
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.RETIRE)
    assert world.retired() == list(range(1, FEWEST_RESULTS + 1))
    assert world.tenant().quarantine is None


def test_answers_that_were_judged_do_not_judge_what_comes_after_the_release() -> None:
    world = _quarantined()
    world.answer({1: GONE})
    release_tenant(world.deps, a_call(), TENANT_ID, HeldTargets.KEEP)
    world.tick()
    assert world.outcomes(ChunkKey(TENANT_ID, "notification-2", 0)) == {1: FAILED}
    assert (world.retired(), world.tenant().quarantine) == ([1], None)


def test_pass_in_which_nobody_dies_pulls_no_brake() -> None:
    world = a_world(*[ANDROID] * 120)
    sends = ((range(1, 61), timedelta(0)), (range(61, 101), timedelta(minutes=5)), (range(101, 121), timedelta(minutes=6)))
    world.answer(dict.fromkeys(range(61, 101), GONE))
    for index, (numbers, pause) in enumerate(sends):
        world.clock.advance(pause)
        accepted(world, *numbers, id=f"send-{index}")
        world.deliver(ChunkKey(TENANT_ID, f"send-{index}", 0))
    # The first sixty no longer count: forty of the sixty that do are dead, but that was plausible when they died.
    assert (world.retired(), world.tenant().quarantine) == (list(range(61, 101)), None)


def test_tenant_in_no_quarantine_can_not_be_released() -> None:
    with pytest.raises(Conflict):
        release_tenant(a_world(ANDROID).deps, a_call(), TENANT_ID, HeldTargets.KEEP)


def test_unknown_tenant_can_not_be_released() -> None:
    with pytest.raises(NotFound):
        release_tenant(a_world(ANDROID).deps, a_call(), "nobody", HeldTargets.KEEP)


def test_held_tenants_are_shown_to_themselves_and_to_the_platform() -> None:
    world = everybody(a_chunk_of(ANDROID), FORBIDDEN)
    own = a_client(tenant=TENANT_ID, scopes=frozenset({Scope.READ}))
    platform = a_client(tenant="platform", scopes=frozenset({Scope.PLATFORM}))
    assert list_held_tenants(world.deps, own) == []
    world.deliver()
    for client in (own, platform):
        assert [tenant.id for tenant in list_held_tenants(world.deps, client)] == [TENANT_ID]
    assert list_held_tenants(world.deps, a_client(tenant="another")) == []
