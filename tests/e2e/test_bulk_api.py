"""Sending to many: a message for each of them or one for all, wrong items refused or skipped, repeats, and what arrives."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.e2e.harness import Api, Simulator, content_of, deliveries, fields_of, fresh, problem_of, wait_for_status

PATH = "/notify/bulk/"


@pytest.fixture(scope="module")
def crowd(api: Api) -> list[tuple[str, str]]:
    """Eleven hundred devices, of forty people: ids and tokens."""
    tokens = [f"crowd-token-{number}" for number in range(1_100)]
    ids: list[str] = []
    for start in range(0, len(tokens), 550):
        devices = [{"token": token, "username": f"crowd-{number % 40}"} for number, token in enumerate(tokens[start : start + 550])]
        ids += [item["id"] for item in api.post("/devices/bulk/", {"devices": devices}, 200)["items"]]
    return list(zip(ids, tokens, strict=True))


@pytest.fixture
def person(api: Api) -> tuple[str, str]:
    """Somebody with a device: the username and the token."""
    username, token = fresh("person"), fresh("token")
    api.register(token=token, username=username)
    return username, token


def _to(*usernames: str) -> dict[str, Any]:
    return {"usernames": list(usernames)}


def _ask(api: Api, body: dict[str, Any], key: str | None = None) -> requests.Response:
    return api.call("POST", PATH, json=body, headers={"Idempotency-Key": key} if key else {})


def _arrived(fcm: Simulator, token: str, notification_id: str) -> list[dict[str, Any]]:
    """The messages of a notification that a device got."""
    messages = [message["message"] for message in fcm.messages(token)]
    return [message for message in messages if message["data"]["fanfare_id"] == notification_id]


def test_each_gets_its_own_message(api: Api, fcm: Simulator, crowd: list[tuple[str, str]]) -> None:
    messages = [{"to": {"device_ids": [device]}, "title": f"Hello {device}", "ttl_seconds": 600 + number} for number, (device, _) in enumerate(crowd)]
    answer = _ask(api, {"messages": messages})
    accepted = content_of(answer, 202)
    assert (accepted["status"], accepted["accepted"], accepted["items"]) == ("queued", 1_100, [])
    assert answer.headers["Location"] == f"/api/v1/notifications/{accepted['id']}"
    ended = wait_for_status(api, accepted["id"])
    assert (ended["counts"]["targeted"], ended["counts"]["sent"], ended["status_reason"]) == (1_100, 1_100, None)
    for number in (0, 499, 500, 1_099):
        device, token = crowd[number]
        (message,) = _arrived(fcm, token, accepted["id"])
        assert message["notification"]["title"] == f"Hello {device}"
        assert 540 + number < int(message["android"]["ttl"].removesuffix("s")) <= 600 + number
    assert all(len(_arrived(fcm, token, accepted["id"])) == 1 for _, token in crowd[::50])


def test_one_message_reaches_all_whom_it_names(api: Api, fcm: Simulator, crowd: list[tuple[str, str]]) -> None:
    usernames = [f"crowd-{number}" for number in range(40)]
    accepted = content_of(_ask(api, {"to": _to(*usernames, usernames[0], fresh("nobody")), "title": "We are open"}), 202)
    assert accepted["accepted"] == 42
    ended = wait_for_status(api, accepted["id"])
    assert (ended["counts"]["targeted"], ended["counts"]["sent"]) == (1_100, 1_100)
    shown = api.get(f"/notifications/{accepted['id']}/")
    assert shown["request"]["to"]["usernames"] == usernames[:20]
    assert (shown["request"]["recipients"], shown["request"]["title"]) == (42, "We are open")
    assert [message["notification"]["title"] for message in _arrived(fcm, crowd[700][1], accepted["id"])] == ["We are open"]


def test_template_words_each_message_with_its_own_values(api: Api, fcm: Simulator, person: tuple[str, str]) -> None:
    name = fresh("template")
    api.post("/templates/", {"name": name, "title": "Order {{order}}", "body": "Dear {{username}}"}, 201)
    other = {"usernames": [fresh("nobody")]}
    messages = [{"to": to, "template": name, "variables": {"order": order}} for to, order in ((other, 1), (_to(person[0]), 2))]
    accepted = content_of(_ask(api, {"messages": messages}), 202)
    wait_for_status(api, accepted["id"])
    assert fcm.only_message(person[1])["notification"] == {"title": "Order 2", "body": f"Dear {person[0]}"}
    assert api.get(f"/notifications/{accepted['id']}/")["template"] == name


def test_wrong_messages_refuse_all_by_their_places_and_nothing_is_sent(api: Api, fcm: Simulator, person: tuple[str, str]) -> None:
    good = {"to": _to(person[0]), "title": "Hello"}
    wrong = [
        {"to": _to("bob"), "title": 7},
        {"to": _to("bob"), "colour": "red", "title": "Hello"},
        {"to": {"topic": "news"}, "title": "Hello"},
        {"to": _to("bob")},
        {"to": _to("bob"), "template": "unknown"},
    ]
    refused = problem_of(_ask(api, {"messages": [good, *wrong[:3]]}), 400)
    assert fields_of(refused) == {"messages.1.title", "messages.2.colour", "messages.3.to.topic", "messages.3.to"} - _absent(refused)
    assert fields_of(problem_of(_ask(api, {"messages": [good, *wrong[3:]]}), 400)) == {"messages.1.title", "messages.2.template"}
    assert fcm.messages(person[1]) == []


def _absent(problem: Any) -> set[str]:
    """The kind of addressee that is unknown hides that a known one is missing."""
    return {"messages.3.to"} - fields_of(problem)


def test_wrong_messages_are_skipped_and_named(api: Api, fcm: Simulator, person: tuple[str, str]) -> None:
    messages = [
        {"to": _to(person[0]), "title": "Hello"},
        {"to": _to("bob"), "title": 7},
        {"to": _to(person[0]), "title": "Once more"},
        "no message",
    ]
    accepted = content_of(_ask(api, {"messages": messages, "on_invalid": "skip"}), 202)
    assert accepted["accepted"] == 1
    assert [(item["index"], item["error"]["code"]) for item in accepted["items"]] == [
        (1, "invalid_request"),
        (2, "duplicate_recipient"),
        (3, "invalid_request"),
    ]
    assert accepted["items"][0]["error"]["errors"] == [{"field": "title", "message": "Input should be a valid string"}]
    assert accepted["items"][1]["error"]["errors"][0]["message"] == "reaches a device that messages.0 reaches already"
    wait_for_status(api, accepted["id"])
    assert fcm.only_message(person[1])["notification"]["title"] == "Hello"


def test_wrong_addressees_are_named_or_skipped(api: Api, person: tuple[str, str]) -> None:
    body = {"to": _to(person[0], "", "x" * 200), "title": "Hello"}
    assert fields_of(problem_of(_ask(api, body), 400)) == {"to.usernames.1", "to.usernames.2"}
    accepted = content_of(_ask(api, {**body, "on_invalid": "skip"}), 202)
    assert (accepted["accepted"], [item["index"] for item in accepted["items"]]) == (1, [1, 2])
    wait_for_status(api, accepted["id"])
    assert len(deliveries(api, accepted["id"])) == 1


def test_nobody_reached_is_accepted_and_over(api: Api) -> None:
    accepted = content_of(_ask(api, {"messages": [{"to": _to(fresh("nobody")), "title": "Hello"}]}), 202)
    assert (accepted["status"], accepted["accepted"]) == ("completed", 1)
    shown = api.get(f"/notifications/{accepted['id']}/status/")
    assert (shown["status"], shown["status_reason"], shown["counts"]["targeted"]) == ("completed", "no_recipients", 0)


REFUSED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "neither": ({"title": "Hello"}, {"body"}),
    "both": ({"messages": [{"to": _to("a"), "title": "Hello"}], "to": _to("a")}, {"body"}),
    "nothing in it": ({"messages": []}, {"messages"}),
    "too many": ({"messages": [{}] * 10_001}, {"messages"}),
    "too many addressees": ({"to": _to(*["a"] * 10_001), "title": "Hello"}, {"to.usernames"}),
    "a text beside the messages": ({"messages": [{"to": _to("a"), "title": "Hello"}], "title": "Hello"}, {"body"}),
    "a topic": ({"to": {"topic": "news"}, "title": "Hello"}, {"to.topic"}),
    "two kinds": ({"to": {"usernames": ["a"], "phone_numbers": ["+255712345678"]}, "title": "Hello"}, {"to"}),
    "an unknown word": ({"to": _to("a"), "title": "Hello", "on_invalid": "ignore"}, {"on_invalid"}),
    "no text": ({"to": _to("a")}, {"title"}),
    "a ramp that ends early": ({"to": _to("a"), "title": "Hello", "ramp": [1, 50]}, {"ramp"}),
    "a pace in a message": ({"messages": [{"to": _to("a"), "title": "Hello", "per_minute": 60}]}, {"messages.0.per_minute"}),
    "validate_only in a message": ({"messages": [{"to": _to("a"), "title": "Hello", "validate_only": True}]}, {"messages.0.validate_only"}),
    "values too long": (
        {"messages": [{"to": _to("a"), "template": "order", "variables": {"a": "x" * 5_000}}]},
        {"messages.0.variables"},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_mean_nothing_is_refused(api: Api, name: str) -> None:
    body, fields = REFUSED[name]
    assert fields_of(problem_of(_ask(api, body), 400)) == fields


def test_repeat_is_answered_as_the_first_request_was_and_sends_nothing(api: Api, fcm: Simulator, person: tuple[str, str]) -> None:
    key = fresh("key")
    body = {"messages": [{"to": _to(person[0]), "title": "Hello"}, {"to": _to("bob")}, {}], "on_invalid": "skip"}
    first = content_of(_ask(api, body, key), 202)
    wait_for_status(api, first["id"])
    again = _ask(api, body, key)
    repeated = content_of(again, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [repeated[name] for name in ("id", "status", "accepted")] == [first[name] for name in ("id", "status", "accepted")]
    assert [(item["index"], item["error"]["code"]) for item in repeated["items"]] == [(1, "invalid_request"), (2, "invalid_request")]
    fcm.only_message(person[1])
    other = {"messages": [{"to": _to(person[0]), "title": "Goodbye"}]}
    assert problem_of(_ask(api, other, key), 409)["code"] == "idempotency_mismatch"


def test_key_of_another_route_is_another_key(api: Api, person: tuple[str, str]) -> None:
    key, body = {"Idempotency-Key": fresh("key")}, {"to": _to(person[0]), "title": "Hello"}
    one = api.post("/notify/", body, 202, headers=key)["id"]
    assert api.post(PATH, body, 202, headers=key)["id"] != one


def test_validate_only_delivers_nothing(api: Api, fcm: Simulator, person: tuple[str, str]) -> None:
    accepted = content_of(_ask(api, {"messages": [{"to": _to(person[0]), "title": "Hello"}], "validate_only": True}), 202)
    assert wait_for_status(api, accepted["id"])["counts"]["sent"] == 1
    assert fcm.record(person[1])["accepted"] == 0
