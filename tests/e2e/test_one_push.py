"""One push through all outlets of its events, as `make follow-a-push` shows it: what each of them told, and what the API says in the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from local.environment_file import write_environment_file
from local.stack import Stack
from tests.contract.adapters.scripted import unused_url
from tests.e2e.harness import Api, Credentials
from tests.show.endpoint import VerifyingEndpoint
from tests.show.follow import Followed, follow_push
from tests.show.outlet import Copy, FollowError, Outlet
from tests.show.place import Place, running_place
from tests.show.poller import bodies_of
from tests.show.report import find_differences, report
from tests.show.transcript import Transcript

KINDS = ["device.registered", "notification.sent", "notification.completed", "notification.delivered", "notification.read"]
STATES = ["queued", "sending", "completed"]


@dataclass
class Told:
    """A push that was followed, and the lines that were said meanwhile."""

    seen: Followed
    lines: list[str] = field(default_factory=list)

    def data(self, kind: str) -> Any:
        """What the only event of a kind tells."""
        (body,) = (copy.body for copy in self.seen.outlets[0].copies if copy.kind == kind)
        return json.loads(body)["data"]


def place_of(stack: Stack, credentials: Credentials | None) -> Place:
    assert stack.fcm_url
    assert credentials
    return Place(stack.urls["gateway"], credentials, stack.fcm_url, stack.firestore_host, stack.auth_host)


@pytest.fixture(scope="module")
def told(stack: Stack, platform: Api) -> Told:
    """The push, followed once for all tests."""
    lines: list[str] = []
    return Told(follow_push(place_of(stack, platform.credentials), lines.append), lines)


def test_every_outlet_tells_each_event_once_under_one_id_in_the_same_bytes(told: Told) -> None:
    webhook, stream, polled = ([(copy.id, copy.kind, copy.body) for copy in outlet.copies] for outlet in told.seen.outlets)
    assert sorted(webhook) == sorted(stream)
    assert stream == polled, "both show the ledger in its order"
    assert sorted(kind for _, kind, _ in webhook) == sorted(KINDS)
    assert len({event_id for event_id, _, _ in webhook}) == len(KINDS)
    assert all(json.loads(body)["id"] == event_id for event_id, _, body in webhook)
    assert (stream[0][1], stream[-1][1]) == (KINDS[0], KINDS[-1])


def test_every_post_is_verified_by_the_schemes_own_package(told: Told) -> None:
    # The endpoint keeps nothing else.
    assert (len(told.seen.outlets[0].copies), told.seen.refused_posts) == (len(KINDS), [])


def test_events_tell_of_this_push_and_this_phone(told: Told) -> None:
    seen, phone = told.seen, told.seen.phone
    assert [(device["id"], device["platform"], device["profile_ids"]) for device in told.data("device.registered")["devices"]] == [
        (phone.id, "android", [phone.profile])
    ]
    sent = told.data("notification.sent")
    assert sent["notification_id"] == seen.id
    (recipient,) = sent["recipients"]
    assert (recipient["device_id"], recipient["attempts"], recipient["fcm_message_id"]) == (phone.id, 2, seen.message["name"])
    completed = told.data("notification.completed")
    assert (completed["notification_id"], completed["status"], completed["counts"]["sent"]) == (seen.id, "completed", 1)
    for kind in ("notification.delivered", "notification.read"):
        assert [(receipt["notification_id"], receipt["device_id"]) for receipt in told.data(kind)["receipts"]] == [(seen.id, phone.id)]


def test_no_event_holds_the_target_the_text_or_the_receipt_token(told: Told) -> None:
    message = told.seen.message["message"]
    secrets = [told.seen.phone.target, message["notification"]["body"], message["data"]["fanfare_receipt"]]
    assert [secret for secret in secrets for copy in told.seen.outlets[0].copies if secret.encode() in copy.body] == []


def test_phone_gets_the_template_in_its_language_and_the_means_to_report(told: Told) -> None:
    message = told.seen.message["message"]
    assert message["token"] == told.seen.phone.target
    assert message["notification"] == {"title": "Agizo 1234", "body": "Habari zawadi, agizo lako 1234 liko tayari."}
    assert message["data"]["fanfare_id"] == told.seen.id
    assert message["data"]["fanfare_receipt"].startswith(f"{told.seen.id}.{told.seen.phone.id}.")


def test_app_hears_in_firestore_what_becomes_of_it(told: Told) -> None:
    heard = [found["status"] for found in told.seen.heard]
    # How early the app has signed in is nobody's promise; what it hears is in this order, and the end of it is heard.
    assert heard == [state for state in STATES if state in heard]
    last = told.seen.heard[-1]
    assert (last["status"], last["counts"]["targeted"], last["counts"]["sent"], last["counts"]["retrying"]) == ("completed", 1, 1, 0)
    assert (last["tenant"], last["profile_id"]) == (told.seen.tenant, told.seen.phone.profile)


def test_api_counts_and_explains_what_happened(told: Told) -> None:
    seen = told.seen
    assert seen.status["status"] == "completed"
    assert seen.status["counts"] == {"targeted": 1, "sent": 1, "failed": 0, "retrying": 0, "unsent": 0, "delivered": 1, "read": 1}
    delivery = seen.deliveries[seen.phone.id]
    assert (delivery["outcome"], delivery["attempts"], delivery["fcm_message_id"]) == ("sent", 2, seen.message["name"])
    assert delivery["delivered_at"] < delivery["read_at"]
    trace = seen.trace
    assert {name: trace[name] for name in delivery} == delivery
    assert trace["matched"] == {"by": "usernames", "value": "zawadi"}
    assert trace["template"] == {"name": "order_ready", "version": 1, "locale": "sw"}
    assert trace["target"] == {"kind": "token", "hint": seen.phone.target[-6:], "as_sent": True}
    assert trace["chunk"]["attempts"] == 2


def test_trace_tells_its_webhooks_and_steps_in_their_order(told: Told) -> None:
    trace, posted = told.seen.trace, {copy.id: copy.kind for copy in told.seen.outlets[0].copies}
    assert {row["event_id"]: row["kind"] for row in trace["webhooks"]} == {name: kind for name, kind in posted.items() if kind != KINDS[0]}
    assert {(row["webhook_id"], row["state"], row["attempts"], row["last_status"]) for row in trace["webhooks"]} == {
        (told.seen.webhook_id, "delivered", 1, 204)
    }
    names, times = [step["step"] for step in trace["steps"]], [datetime.fromisoformat(step["at"]) for step in trace["steps"]]
    assert times == sorted(times)
    assert names[:2] == ["accepted", "first_attempt"]
    assert [name for name in names if name in {"delivered", "read"}] == ["delivered", "read"]
    assert sorted(names[2:]) == sorted(["failed_first", "sent", "delivered", "read", *["webhook"] * (len(KINDS) - 1)])


def test_transcript_names_every_station_and_ends_with_all_events_and_the_trace(told: Told) -> None:
    stations = {line.split()[2] for line in told.lines}
    assert stations == {"api", "stream", "webhook", "poll", "fcm", "listener", "receipt"}
    end = "\n".join(report(told.seen))
    assert all(copy.id in end for copy in told.seen.outlets[0].copies)
    assert "usernames: zawadi" in end
    assert "template order_ready, version 1, locale sw" in end


# What the show itself would notice


def outlets_of(*told: list[Copy]) -> list[Outlet]:
    outlets = [Outlet(name, Transcript(lambda _line: None)) for name in ("webhook", "stream", "poll")]
    for outlet, copies in zip(outlets, told, strict=True):
        outlet.copies = copies
    return outlets


A, B = Copy("a", "notification.sent", b'{"id":"a"}', 1.0), Copy("b", "notification.read", b'{"id":"b"}', 2.0)


@pytest.mark.parametrize(
    ("polled", "found"),
    [
        ([A, B], []),
        ([A], ["poll does not tell b"]),
        ([A, B, B], ["poll told an event twice"]),
        ([A, B, Copy("c", "notification.read", b"{}", 3.0)], ["poll alone tells c"]),
        ([A, B._replace(body=b'{"id": "b"}')], ["poll tells b in other bytes"]),
    ],
)
def test_outlets_that_differ_are_noticed(polled: list[Copy], found: list[str]) -> None:
    outlets = outlets_of([A, B], [A, B], polled)
    assert find_differences(outlets) == found
    if found:
        with pytest.raises(FollowError, match=found[0]):
            report(Followed(outlets=outlets))


def test_items_are_cut_out_of_a_page_to_the_byte() -> None:
    items = ['{"id": "a\\u00eb",  "data":{}}', '{"id":"bë]","n":[1, 2]}']
    assert bodies_of(f'{{"items":[{",".join(items)}],"next_cursor":"x"}}'.encode()) == [item.encode() for item in items]
    assert bodies_of(b'{"items":[],"next_cursor":"x"}') == []


@pytest.fixture
def endpoint() -> Iterator[VerifyingEndpoint]:
    with VerifyingEndpoint(outlets_of([], [], [])[0]) as server:
        server.trust("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        yield server


def test_post_that_is_not_signed_is_refused_and_remembered(endpoint: VerifyingEndpoint) -> None:
    forged = {"webhook-id": "forged", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    assert requests.post(endpoint.url, data=A.body, headers=forged, timeout=5).status_code == 401
    assert endpoint.refused == ["forged"]


def test_stack_that_runs_is_found_and_what_an_earlier_one_left_is_not(stack: Stack, platform: Api, tmp_path: Path) -> None:
    assert running_place(tmp_path) is None
    place = place_of(stack, platform.credentials)
    written = {
        "FANFARE_URL": place.url, "FANFARE_PLATFORM_CLIENT_ID": place.platform.client_id, "FANFARE_PLATFORM_CLIENT_TOKEN": place.platform.token,
        "FCM_SIMULATOR_URL": place.fcm_url, "FIRESTORE_EMULATOR_HOST": place.firestore_host,
    }  # fmt: skip
    shutil.copy(stack.folder / "firebase.json", tmp_path)
    for changed, found in ({}, place), ({"FCM_SIMULATOR_URL": ""}, None), ({"FANFARE_URL": unused_url()}, None):
        write_environment_file(tmp_path / "stack.env", {**written, **changed})
        assert running_place(tmp_path) == found
