"""Notifications of many chunks, seen from outside: exact counts when they are stopped, everybody's outcome, and sending again what failed."""

from __future__ import annotations

from typing import Any

import pytest

from local.readiness import wait_until
from tests.e2e.harness import Api, Simulator, Tenant, deliveries, fresh, problem_of, wait_for_status

DEVICES = 1_100
PATIENCE_SECONDS = 60.0
Crowd = dict[str, str]
"""Tokens by device id."""


@pytest.fixture(scope="module")
def crowd(api: Api) -> Crowd:
    """Eleven hundred devices: three chunks."""
    return _register(api, DEVICES)


def _register(api: Api, number: int) -> Crowd:
    tokens = [fresh("token") for _ in range(number)]
    ids: list[str] = []
    for start in range(0, number, 550):
        devices = [{"token": token, "username": fresh("person")} for token in tokens[start : start + 550]]
        ids += [item["id"] for item in api.post("/devices/bulk/", {"devices": devices}, 200)["items"]]
    return dict(zip(ids, tokens, strict=True))


def _send(api: Api, crowd: Crowd, **fields: Any) -> str:
    return str(api.post("/notify/bulk/", {"to": {"device_ids": list(crowd)}, "title": fresh("title"), **fields}, 202)["id"])


def _steer(api: Api, notification_id: str, step: str, expected: int = 200) -> Any:
    return api.post(f"/notifications/{notification_id}/{step}/", {}, expected)


def _attempts(fcm: Simulator, tokens: list[str]) -> int:
    return sum(fcm.record(token)["attempts"] for token in tokens)


def test_everybody_is_sent_to_once_and_listed_once(api: Api, fcm: Simulator, crowd: Crowd) -> None:
    before = _attempts(fcm, list(crowd.values())[::50])
    notification_id = _send(api, crowd)
    shown = wait_for_status(api, notification_id)
    assert (shown["counts"]["targeted"], shown["counts"]["sent"]) == (DEVICES, DEVICES)
    listed = deliveries(api, notification_id)
    assert listed.keys() == crowd.keys()
    assert {row["outcome"] for row in listed.values()} == {"sent"}
    assert _attempts(fcm, list(crowd.values())[::50]) - before == len(list(crowd)[::50])
    assert api.post("/notifications/status/", {"ids": [notification_id]}, 200)["items"][0]["counts"] == shown["counts"]


def test_one_recipient_is_found_in_its_chunk(api: Api, crowd: Crowd) -> None:
    notification_id = _send(api, crowd)
    wait_for_status(api, notification_id)
    for place in (0, 499, 500, 1_099):
        trace = api.get(f"/notifications/{notification_id}/devices/{list(crowd)[place]}/")
        assert (trace["outcome"], trace["chunk"]["number"], trace["chunk"]["state"]) == ("sent", place // 500, "done")
    problem_of(api.call("GET", f"/notifications/{notification_id}/devices/nobody/"), 404)


def test_cancelled_in_flight_it_counts_exactly_whom_fcm_was_asked_for(stranger: Api, own_tenant: Tenant, fcm: Simulator) -> None:
    """A tenant of so small a quota that its second chunk waits for a minute."""
    api = stranger
    api.put(f"/apps/{own_tenant.id}/", {"quota_per_minute": 600})
    crowd = _register(api, DEVICES)
    tokens = list(crowd.values())
    with fcm.answering(tokens, delay_seconds=0.5):
        notification_id = _send(api, crowd)
        assert wait_until(lambda: _attempts(fcm, tokens[::100]) > 0, timeout_seconds=PATIENCE_SECONDS)
        assert _steer(api, notification_id, "cancel")["status_reason"] == "cancelling"
        assert wait_until(lambda: api.get(f"/notifications/{notification_id}/")["status"] == "cancelled", timeout_seconds=PATIENCE_SECONDS)
    counts = api.get(f"/notifications/{notification_id}/status/")["counts"]
    assert counts["sent"] == _attempts(fcm, tokens)
    assert 0 < counts["sent"] <= 500, "what was in flight ended with its chunk"
    assert counts["sent"] + counts["unsent"] == counts["targeted"] == DEVICES
    outcomes = [row["outcome"] for row in deliveries(api, notification_id).values()]
    assert (outcomes.count("sent"), outcomes.count("unsent")) == (counts["sent"], counts["unsent"])
    assert _steer(api, notification_id, "cancel")["status"] == "cancelled", "a repeat changes nothing"
    for step in ("pause", "resume", "retry"):
        _steer(api, notification_id, step, 409)


def test_what_failed_is_sent_again_in_all_chunks(api: Api, fcm: Simulator, crowd: Crowd) -> None:
    ids = list(crowd)
    failing = [ids[3], ids[700], ids[1_050]]
    with fcm.answering([crowd[device] for device in failing], status=402):
        notification_id = _send(api, crowd)
        counts = wait_for_status(api, notification_id)["counts"]
        assert (counts["sent"], counts["failed"]) == (DEVICES - 3, 3)
    letters = [row for row in api.get("/dead-letters/")["items"] if row["notification_id"] == notification_id]
    assert sorted(letter["chunk"] for letter in letters) == [0, 1, 2]
    again = _steer(api, notification_id, "retry", 202)
    # The first of them may have been sent by the time of the answer, and by then nothing is said about them twice.
    assert again["counts"]["failed"] == 0
    assert again["counts"]["sent"] + again["counts"]["retrying"] == DEVICES
    assert wait_until(lambda: api.get(f"/notifications/{notification_id}/")["status"] == "completed", timeout_seconds=PATIENCE_SECONDS)
    shown = api.get(f"/notifications/{notification_id}/")
    assert (shown["counts"]["sent"], shown["counts"]["failed"], shown["errors"]) == (DEVICES, 0, {})
    _steer(api, notification_id, "retry", 409)
    trace = api.get(f"/notifications/{notification_id}/devices/{failing[1]}/")
    assert (trace["outcome"], trace["attempts"]) == ("sent", 1)


def test_paused_and_resumed_it_reaches_everybody_once(api: Api, fcm: Simulator, crowd: Crowd) -> None:
    notification_id = _send(api, crowd)
    assert _steer(api, notification_id, "pause")["status"] == "paused"
    assert _steer(api, notification_id, "resume")["status"] in {"queued", "sending"}
    assert wait_until(lambda: api.get(f"/notifications/{notification_id}/")["status"] == "completed", timeout_seconds=PATIENCE_SECONDS)
    assert api.get(f"/notifications/{notification_id}/status/")["counts"]["sent"] == DEVICES
    for token in list(crowd.values())[::100]:
        assert len([message for message in fcm.messages(token) if message["message"]["data"]["fanfare_id"] == notification_id]) == 1
