"""The fcmpy daemon's routes: what its callers post, what they are answered, and what opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from fanfare.domain.analytics import Amounts, Row, RowKey
from fanfare.domain.classification import Answer
from fanfare.domain.client import Scope, hash_token
from fanfare.domain.errors import CredentialRefused, InvalidRequest, Unavailable
from fanfare.domain.notification import Notification
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.services.start_templates import start_templates
from fanfare.web.api import PublicApi, build_api
from fanfare.web.form_text import MOST_FIELDS, parse_form
from fanfare.web.root_paths import REFUSED, ROOT_PATHS
from tests.factories import NOW, TENANT_ID, a_call, a_client, a_device, a_token, an_owner, client_token
from tests.fakes import MemoryAuditStore, RecordingLog, ScriptedPushSender
from tests.fakes.addresses import address_hash
from tests.surface.surface import CREDENTIALS, EVIL, some_deps, stored
from tests.unit.services.seeding import username

KEY = {"X-Access-Key": client_token()}
FORM = "application/x-www-form-urlencoded"
ALICE = b"username=alice&type=message&from=bob&body=Hello%20world"
GUARDED = (("GET", "/stats"), ("POST", "/"), ("POST", "/reload"), ("POST", "/keepalive-reply"))
"""Everything but GET `/`."""
NEEDS = {"/stats": Scope.READ, "/": Scope.SEND, "/reload": Scope.ADMIN, "/keepalive-reply": Scope.DEVICES}


def with_alice(deps: Deps, *names: str, active: bool = True) -> Deps:
    """Devices of Alice's."""
    alice = an_owner(username="alice", addresses=(address_hash(TENANT_ID, username("alice")),))
    devices = [a_device(id=name, target=a_token(name), owners=(alice,), active=active) for name in names]
    assert deps.devices.save(TENANT_ID, [RegistrationPlan(device) for device in devices])
    return deps


@pytest.fixture
def deps() -> Deps:
    """Alice has two phones and one that she has given away; the tenant has the starters."""
    deps = with_alice(with_alice(some_deps(), "phone-1", "phone-2"), "old-phone", active=False)
    start_templates(deps, TENANT_ID, a_call().actor)
    return deps


@pytest.fixture
def caller(deps: Deps) -> FlaskClient:
    return phone_of(deps)


def phone_of(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client(use_cookies=False)


def post(caller: FlaskClient, body: bytes = ALICE, headers: dict[str, str] | None = None, content_type: str | None = FORM) -> TestResponse:
    return caller.post("/", data=body, content_type=content_type, headers=KEY if headers is None else headers)


def error_of(answer: TestResponse) -> tuple[int, str]:
    """The status and the words of a refusal, which has the daemon's shape and nothing else."""
    assert answer.content_type == "application/json"
    assert answer.json is not None
    assert answer.json.keys() == {"status", "msg"}
    assert answer.json["status"] == "error"
    return answer.status_code, str(answer.json["msg"])


def made(deps: Deps, answer: TestResponse) -> Notification:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    notification = deps.notifications.get(TENANT_ID, answer.json["id"])
    assert notification is not None
    return notification


def test_anybody_is_told_that_it_runs(caller: FlaskClient) -> None:
    answer = caller.get("/")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "msg": "fanfare running"})


def test_push_goes_to_every_active_device_of_the_username(deps: Deps, caller: FlaskClient) -> None:
    answer = post(caller)
    assert answer.json == {"status": "ok", "msg": "queued", "id": (answer.json or {})["id"], "devices": 2}
    notification = made(deps, answer)
    assert (notification.caller, notification.type, notification.template, notification.usernames) == ("bob", "message", "message", ("alice",))
    assert notification.message.data == {"type": "message", "caller": "bob", "username": "alice"}
    assert notification.client_id == "client-1"


def test_unknown_username_is_no_error(deps: Deps, caller: FlaskClient) -> None:
    answer = post(caller, b"username=nobody&type=call")
    assert (answer.status_code, (answer.json or {})["devices"]) == (200, 0)
    assert made(deps, answer).status_reason == "no_recipients"


@pytest.mark.parametrize(
    ("content_type", "body", "heard"),
    [
        (None, "username=alice&body=Grüße".encode(), "Grüße"),
        ("text/plain", b"username=alice&body=Hi", "Hi"),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"username=alice&body=Gr%C3%BC%C3%9Fe", "Grüße"),
        (f"{FORM}; charset=iso-8859-1", "username=alice&body=Grüße".encode("latin-1"), "Grüße"),
        (f"{FORM}; charset=Latin1", b"username=alice&body=Gr%FC%DFe", "Grüße"),
        (FORM, "username=alice&body=Grüße".encode("latin-1"), "Gr��e"),
        (f"{FORM}; charset=punycode", b"username=alice&body=Gr%FC", "Gr�"),
        (f"{FORM}; charset=\xff", b"username=alice&body=+a+", " a "),
        (FORM, b"username=alice&body=%ED%A0%80%00%zz&body=second&strange=1&&=", "���\x00%zz"),
    ],
)
def test_form_is_read_liberally(deps: Deps, caller: FlaskClient, content_type: str | None, body: bytes, heard: str) -> None:
    wording = made(deps, post(caller, body, content_type=content_type)).wording
    assert wording is not None
    assert wording.variables["body"] == heard


@pytest.mark.parametrize(
    ("content_type", "body", "status", "word"),
    [
        (FORM, b"", 400, "username: is missing"),
        (FORM, b"type=call&username=", 400, "username: is missing"),
        (FORM, b"username=" + b"x" * 129, 400, "username: must have at most 128 characters"),
        (FORM, b"username=a%0Ab", 400, "username: must hold no control characters"),
        (FORM, b"username=alice&type=" + b"x" * 256, 400, "type: must have at most 255"),
        (FORM, b"username=alice&from=" + b"x" * 256, 400, "from: must have at most 255"),
        (FORM, b"username=alice&body=" + b"x" * 4_097, 400, "body: must have at most 4096"),
        (FORM, b"username=alice&body=" + b"x" * 4_090, 400, "FCM allows 4096"),
        (FORM, b"&".join(b"f%d=1" % number for number in range(MOST_FIELDS + 1)), 400, f"more than {MOST_FIELDS} fields"),
        (FORM, b"username=alice&body=" + b"x" * 300_000, 413, "262144 bytes"),
        ("multipart/form-data; boundary=x", b"--x--", 415, "x-www-form-urlencoded"),
        ("application/json", b'{"username": "alice"}', 415, "x-www-form-urlencoded"),
    ],
)
def test_what_is_wrong_with_a_form_is_told_in_the_daemons_shape(
    deps: Deps, caller: FlaskClient, content_type: str, body: bytes, status: int, word: str
) -> None:
    before = stored(deps)
    told = error_of(post(caller, body, content_type=content_type))
    assert (told[0], word in told[1]) == (status, True), told
    assert stored(deps) == before


@given(st.binary(max_size=300), st.text(max_size=20))
def test_no_bytes_make_a_form_fail(body: bytes, charset: str) -> None:
    try:
        fields = parse_form(body, charset)
    except InvalidRequest:
        assert body.count(b"&") >= MOST_FIELDS
    else:
        assert all(isinstance(value.encode(), bytes) for value in fields.values())


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")), max_size=MOST_FIELDS))
def test_what_a_form_says_is_read_as_it_was_meant(fields: dict[str, str]) -> None:
    assert parse_form(urlencode(fields).encode()) == fields


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_or_the_two_headers_open_and_nothing_else_does(method: str, path: str, deps: Deps) -> None:
    caller, good = phone_of(deps), client_token()
    deps.clients.create(a_client(id="revoked", revoked_at=NOW - timedelta(days=1)))
    refusals = {
        "nothing": {},
        "an empty key": {"X-Access-Key": ""},
        "a token that names nobody": {"X-Access-Key": "secret-of-nobody"},
        "an unknown client": {"X-Access-Key": f"nobody.{good.partition('.')[2]}"},
        "a wrong secret": {"X-Access-Key": "client-1.wrong"},
        "another client's secret": {"X-Access-Key": "revoked." + good.partition(".")[2] + "x"},
        "a revoked client": {"X-Access-Key": client_token("revoked")},
        "a stored hash": {"X-Access-Key": f"client-1.{hash_token(good)}"},
        "letters that no header has": {"X-Access-Key": "cl\xefent-1.\xff"},
        "a path": {"X-Access-Key": "../client-1.x"},
        "a bearer": {"Authorization": f"Bearer {good}"},
        "a cookie": {"Cookie": f"X-Access-Key={good}"},
        "a wrong pair": {"Client-ID": "client-1", "Client-Token": "wrong"},
    }
    before = stored(deps)
    answers = {name: caller.open(path, method=method, headers=headers) for name, headers in refusals.items()}
    assert {name: error_of(answer) for name, answer in answers.items()} == dict.fromkeys(refusals, (401, REFUSED))
    assert stored(deps) == before
    assert {caller.open(path, method=method, headers=headers).status_code for headers in (KEY, CREDENTIALS)}.isdisjoint({401, 403})


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_both_kinds_of_credential_at_once_are_refused(method: str, path: str, caller: FlaskClient) -> None:
    assert error_of(caller.open(path, method=method, headers={**KEY, **CREDENTIALS}))[0] == 400


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_client_without_the_scope_is_told_which_it_lacks(method: str, path: str, deps: Deps) -> None:
    deps.clients.create(a_client(id="other", scopes=frozenset(Scope) - {NEEDS[path]}))
    told = error_of(phone_of(deps).open(path, method=method, headers={"X-Access-Key": client_token("other")}))
    assert (told[0], NEEDS[path].value in told[1]) == (403, True)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_is_held_to_its_clients_addresses(method: str, path: str, deps: Deps) -> None:
    deps.clients.create(a_client(id="fenced", ip_allowlist=("203.0.113.0/24",)))
    caller, key = phone_of(deps), {"X-Access-Key": client_token("fenced")}
    answers = {
        address: caller.open(path, method=method, headers={**key, "X-Forwarded-For": address}).status_code
        for address in ("198.51.100.7", "203.0.113.9")
    }
    assert answers["198.51.100.7"] == 401
    assert answers["203.0.113.9"] != 401


def test_a_token_of_another_form_opens_with_its_client_beside_it_alone(deps: Deps) -> None:
    deps.clients.create(a_client(id="old", token_hash=hash_token("an-old-token")))
    caller = phone_of(deps)
    assert error_of(post(caller, headers={"X-Access-Key": "an-old-token"})) == (401, REFUSED)
    assert post(caller, headers={"Client-ID": "old", "Client-Token": "an-old-token"}).status_code == 200


def test_a_key_opens_no_route_of_the_api(caller: FlaskClient) -> None:
    assert caller.get("/api/v1/devices", headers=KEY).status_code == 401
    assert caller.get(f"/api/v1/devices?token={client_token()}").status_code == 401


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_token_in_the_address_opens_reload_alone(method: str, path: str, caller: FlaskClient) -> None:
    answer = caller.open(path, method=method, query_string={"token": client_token()})
    assert answer.status_code == (200 if path == "/reload" else 401)
    assert client_token() not in answer.text + str(answer.headers)


def test_a_wrong_token_in_the_address_is_refused_as_ever(caller: FlaskClient) -> None:
    for token in ("", "client-1.wrong", "nobody.wrong", "wrong"):
        assert error_of(caller.post("/reload", query_string={"token": token})) == (401, REFUSED)
    # A header that is wrong is not mended by the address.
    answer = caller.post("/reload", query_string={"token": client_token()}, headers={"X-Access-Key": "client-1.wrong"})
    assert error_of(answer) == (401, REFUSED)


def test_no_log_line_holds_what_came(deps: Deps) -> None:
    log = RecordingLog()
    caller = phone_of(replace(deps, log=log))
    caller.post("/reload", query_string={"token": client_token()})
    caller.post("/reload", query_string={"token": "client-1.marked-secret"})
    post(caller, b"username=marked-alice&from=marked-bob&body=marked-words&type=marked-type")
    caller.post("/keepalive-reply", data={"token": "marked-token"}, headers=KEY)
    assert [record.fields["route"] for record in log.records if record.event == "answered"] == ["/reload", "/reload", "/", "/keepalive-reply"]
    assert client_token() not in repr(log.records)
    assert "marked" not in repr(log.records)


def test_pushes_count_in_the_group_of_sends(deps: Deps) -> None:
    deps.clients.create(a_client(id="slow", limits={"send": 1}))
    caller, key = phone_of(deps), {"X-Access-Key": client_token("slow")}
    first, second = post(caller, headers=key), post(caller, headers=key)
    assert (first.status_code, first.headers["RateLimit-Policy"]) == (200, '"send";q=1;w=60')
    assert error_of(second)[0] == 429
    assert int(second.headers["Retry-After"]) > 0


def test_token_that_ends_soon_is_told_of(deps: Deps) -> None:
    deps.clients.create(a_client(id="ending", expires_at=NOW + timedelta(days=3)))
    assert "Client-Token-Expires" in post(phone_of(deps), headers={"X-Access-Key": client_token("ending")}).headers


def test_repeated_key_sends_once(deps: Deps, caller: FlaskClient) -> None:
    keyed = {**KEY, "Idempotency-Key": "once"}
    first, again, other = post(caller, headers=keyed), post(caller, headers=keyed), post(caller, b"username=bob", keyed)
    assert (again.status_code, again.json, again.headers["Idempotent-Replayed"]) == (200, first.json, "true")
    assert error_of(other) == (409, "This Idempotency-Key was used with another request body.")


@pytest.mark.parametrize(("method", "path", "allowed"), [("PUT", "/", "GET, HEAD, OPTIONS, POST"), ("POST", "/stats", "GET, HEAD, OPTIONS")])
def test_wrong_method_is_told_the_right_ones(caller: FlaskClient, method: str, path: str, allowed: str) -> None:
    answer = caller.open(path, method=method, headers=KEY)
    assert (error_of(answer)[0], answer.headers["Allow"]) == (405, allowed)


def test_no_page_of_another_site_gets_through(deps: Deps, caller: FlaskClient) -> None:
    before = stored(deps)
    for method, path in GUARDED:
        asked = {"Origin": EVIL, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-access-key"}
        answers = [caller.options(path, headers=asked), caller.open(path, method=method, data=ALICE, headers={"Origin": EVIL}, content_type=FORM)]
        assert [answer.status_code for answer in answers] == [204, 401]
        assert [name for answer in answers for name in answer.headers.keys() if name.startswith("Access-Control")] == []  # noqa: SIM118 - no mapping
    assert stored(deps) == before


class BrokenTemplates:
    """Fails as nobody foresaw."""

    def get(self, tenant: str, name: str) -> Any:
        raise KeyError(name)


def test_what_nobody_foresaw_has_the_daemons_shape_too(deps: Deps) -> None:
    status, msg = error_of(post(phone_of(replace(deps, templates=BrokenTemplates()))))  # type: ignore[arg-type]
    assert (status, "KeyError" in msg, "message" in msg) == (500, False, False)


def test_stats_show_today_and_the_days_before(deps: Deps, caller: FlaskClient) -> None:
    today = NOW.date()
    counted = {
        today: Amounts(total_sent=5, total_failed=2, cleaned=1),
        today - timedelta(days=1): Amounts(total_sent=7),
        today - timedelta(days=30): Amounts(total_failed=3),
        today - timedelta(days=31): Amounts(total_sent=99),
    }
    for day, amounts in counted.items():
        assert deps.analytics.add(TENANT_ID, f"mark-{day}", [Row(RowKey(day), amounts)], NOW)
    assert deps.analytics.add("globex", "mark", [Row(RowKey(today), Amounts(total_sent=1_000))], NOW)
    answer = caller.get("/stats", headers=KEY)

    def shown(day: date, ok: int, fail: int, cleaned: int = 0) -> dict[str, Any]:
        return {"date": day.isoformat(), "sent_ok": ok, "sent_fail": fail, "cleaned": cleaned}

    assert answer.json == {
        "status": "ok",
        "today": shown(today, 5, 2, 1),
        "daily": [shown(today - timedelta(days=1), 7, 0), shown(today - timedelta(days=30), 0, 3)],
        "system": {"uptime_seconds": 90.5, "load": [0.5, 0.25, 0.125], "memory_bytes": 67_108_864, "db_connected": True},
    }


def test_stats_tell_that_the_database_is_away(deps: Deps) -> None:
    class Away:
        def totals(self, *_: object) -> Any:
            raise Unavailable("Firestore does not answer.")

    shown = phone_of(replace(deps, analytics=Away())).get("/stats", headers=KEY).json or {}  # type: ignore[arg-type]
    assert (shown["system"]["db_connected"], shown["today"]["sent_ok"], shown["daily"]) == (False, 0, [])


@pytest.mark.parametrize("body", [{"data": {"token": a_token("phone-1").value}}, {"json": {"token": a_token("phone-1").value}}])
def test_reply_to_a_ping_is_noted(deps: Deps, caller: FlaskClient, body: dict[str, Any]) -> None:
    answer = caller.post("/keepalive-reply", headers=KEY, **body)
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "msg": "noted"})
    assert deps.devices.get(TENANT_ID, ["phone-1"])[0].keepalive.reply == NOW


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"data": {}}, 400, "token: is missing"),
        ({"data": {"token": "x" * 5_000}}, 400, "token: "),
        ({"data": {"token": "a b"}}, 400, "token: holds a character"),
        ({"data": {"token": "of-nobody"}}, 404, "no such device"),
        ({"json": {"token": 1}}, 400, "token: must be a text"),
        ({"json": ["token"]}, 400, "JSON object"),
        ({"data": b"{", "content_type": "application/json"}, 400, "not valid JSON"),
        ({"data": b"<token/>", "content_type": "text/xml"}, 415, "form"),
    ],
)
def test_reply_of_nobody_is_refused(caller: FlaskClient, body: dict[str, Any], status: int, word: str) -> None:
    told = error_of(caller.post("/keepalive-reply", headers=KEY, **body))
    assert (told[0], word in told[1]) == (status, True), told


def test_reload_raises_the_version_and_tries_the_credential(deps: Deps) -> None:
    sender, audit = ScriptedPushSender(), deps.audit
    assert isinstance(audit, MemoryAuditStore)
    caller = phone_of(replace(deps, sender=sender))
    answers = [caller.post("/reload", headers=KEY).json for _ in range(2)]
    assert answers == [{"status": "ok", "msg": "reloaded", "config_version": version} for version in (1, 2)]
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.config_version == 2
    assert [entry.action for _, entry in audit.entries if entry.action.startswith("app.")] == ["app.reloaded", "app.reloaded"]
    assert [request["validate_only"] for _, request in sender.sent] == [True, True]
    assert sender.renewed == [TENANT_ID, TENANT_ID]


@pytest.mark.parametrize(
    ("sender", "status", "word"),
    [
        (ScriptedPushSender(failure=CredentialRefused("CREDENTIAL_REFUSED")), 409, "CREDENTIAL_REFUSED"),
        (ScriptedPushSender({"fanfare-validation": Answer(403, b'{"error": {"status": "PERMISSION_DENIED"}}')}), 409, "refuses the credential"),
        (ScriptedPushSender({"fanfare-validation": Answer(503, b"")}), 503, "can't check the credential now"),
        (ScriptedPushSender(failure=Unavailable("Google's token service does not answer.")), 503, "token service"),
    ],
)
def test_reload_says_what_is_wrong_and_is_done_nevertheless(deps: Deps, sender: ScriptedPushSender, status: int, word: str) -> None:
    told = error_of(phone_of(replace(deps, sender=sender)).post("/reload", headers=KEY))
    assert (told[0], word in told[1]) == (status, True), told
    tenant = deps.tenants.get(TENANT_ID)
    assert tenant is not None
    assert tenant.config_version == 1


def test_reload_is_not_for_the_platform_which_sends_nothing(deps: Deps) -> None:
    deps.clients.create(a_client(id="platform-1", tenant="platform", scopes=frozenset(Scope)))
    assert error_of(phone_of(deps).post("/reload", headers={"X-Access-Key": client_token("platform-1")}))[0] == 404


def test_the_daemons_paths_are_those_outside_of_the_api() -> None:
    rules = {rule.rule for rule in build_api(some_deps()).url_map.iter_rules()}
    assert {rule for rule in rules if not rule.startswith("/api/v1/")} == ROOT_PATHS


def test_an_instance_serves_both_surfaces_in_parts(deps: Deps) -> None:
    caller = Client(PublicApi(deps))
    assert caller.get("/").json == {"status": "ok", "msg": "fanfare running"}
    assert caller.post("/", data=ALICE, content_type=FORM, headers=KEY).status_code == 200
    assert caller.get("/api/v1/devices", headers=CREDENTIALS).status_code == 200
    # No path of the API leads to the daemon's part, and none of the daemon's is answered by a problem document.
    assert [caller.get(path).status_code for path in ("/api/v1", "/api/v1/", "/daemon", "/api/v1/stats", "/stats/x")] == [404] * 5
