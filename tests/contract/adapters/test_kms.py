"""Cloud KMS: what is wrapped opens at its place alone, what does not answer is asked twice and told, and strangers' keys are never used."""

from __future__ import annotations

import itertools
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from google.auth.credentials import Credentials

from fanfare.adapters import kms as module
from fanfare.adapters.cipher import Undecipherable
from fanfare.adapters.crc32c import crc32c
from fanfare.adapters.kms import CloudKms, WrappedKey, open_session
from fanfare.domain.errors import Unavailable
from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer, SilentServer, unused_url
from tests.contract.kms_stand_in import KEY, PROJECT, KmsKey, StandInKms, refusal

DATA_KEY = bytes(range(32))
PLACE = "acme/keys/key-1/wrapped"
OTHER_KEY = KEY.replace("data-keys", "older-keys")


@pytest.fixture
def google(server: ScriptedServer) -> StandInKms:
    return StandInKms(server)


def test_what_is_wrapped_opens_and_says_by_what(google: StandInKms) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    assert (wrapped.by, wrapped.version) == (KEY, "1")
    assert DATA_KEY not in wrapped.sealed
    assert google.client().unwrap(wrapped, PLACE) == DATA_KEY


def test_new_version_wraps_and_the_old_one_still_unwraps(google: StandInKms) -> None:
    before = google.client().wrap(DATA_KEY, PLACE)
    google.keys[KEY].rotate()
    assert google.client().wrap(DATA_KEY, PLACE).version == "2"
    assert google.client().unwrap(before, PLACE) == DATA_KEY


def test_wrapped_key_at_another_place_does_not_open(google: StandInKms) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    for place, sealed in (("globex/keys/key-1/wrapped", wrapped.sealed), (PLACE, wrapped.sealed[:-1]), (PLACE, b"")):
        with pytest.raises(Undecipherable):
            google.client().unwrap(WrappedKey(sealed, KEY, "1"), place)


def test_disabled_version_is_unavailable_and_not_broken(google: StandInKms) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    google.keys[KEY].disabled.add(1)
    with pytest.raises(Unavailable):
        google.client().unwrap(wrapped, PLACE)
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)
    google.keys[KEY].disabled.clear()
    assert google.client().unwrap(wrapped, PLACE) == DATA_KEY


@pytest.mark.parametrize(("status", "word"), [(401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND")])
def test_refusal_is_told_and_not_repeated(google: StandInKms, status: int, word: str) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    google.fault = lambda _asked: refusal(status, word)
    with pytest.raises(Unavailable, match=str(status)):
        google.client().unwrap(wrapped, PLACE)
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)
    assert google.asked == ["encrypt", "decrypt", "encrypt"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_moment_of_overload_is_asked_again_once(google: StandInKms, status: int) -> None:
    busy = itertools.chain([refusal(status, "UNAVAILABLE")], itertools.repeat(None))
    google.fault = lambda _asked: next(busy)
    assert google.client().wrap(DATA_KEY, PLACE).version == "1"
    assert google.asked == ["encrypt"] * 2
    google.down(status)
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)
    assert google.asked == ["encrypt"] * 4


def test_kms_that_is_gone_is_told() -> None:
    kms = CloudKms(KEY, PROJECT, endpoint=unused_url(), session=module.Session)
    with pytest.raises(Unavailable):
        kms.wrap(DATA_KEY, PLACE)
    with pytest.raises(Unavailable):
        kms.unwrap(WrappedKey(b"sealed", KEY, "1"), PLACE)


def test_kms_that_hangs_is_told(silent: SilentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    kms = CloudKms(KEY, PROJECT, endpoint=f"http://{silent.address}", session=module.Session)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        kms.unwrap(WrappedKey(b"sealed", KEY, "1"), PLACE)
    assert time.monotonic() - started < 5


def _changed(google: StandInKms, **changes: object) -> None:
    """Let an answer arrive with other fields; None takes one away."""

    def answer(asked: Asked) -> Reply:
        reply = google.answer(asked)
        content: Mapping[str, Any] = {**json.loads(reply.body), **changes}
        return Reply.of({name: value for name, value in content.items() if value is not None})

    google.fault = answer


@pytest.mark.parametrize(
    "change",
    [
        {"ciphertext": b64encode(b"something else").decode("ascii")},
        {"ciphertext": "no base64!"},
        {"ciphertext": None},
        {"ciphertextCrc32c": None},
        {"ciphertextCrc32c": "many"},
        {"verifiedPlaintextCrc32c": None},
        {"verifiedAdditionalAuthenticatedDataCrc32c": False},
        {"name": None},
        {"name": KEY},
    ],
)
def test_answer_that_changed_on_its_way_wraps_nothing(google: StandInKms, change: Mapping[str, object]) -> None:
    _changed(google, **change)
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)


@pytest.mark.parametrize("plaintext", [bytes(32), b""])
def test_key_that_changed_on_its_way_is_not_used(google: StandInKms, plaintext: bytes) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    _changed(google, plaintext=b64encode(plaintext).decode("ascii"))
    with pytest.raises(Unavailable):
        google.client().unwrap(wrapped, PLACE)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>a proxy's page</html>"),
        Reply.of(["a", "list"]),
        Reply(400, b"no"),
        Reply.of({"error": "no"}, status=400),
        Reply.of({"error": {"status": "INVALID_ARGUMENT"}}, status=200),
    ],
)
def test_answer_of_somebody_else_is_unavailable(google: StandInKms, reply: Reply) -> None:
    wrapped = google.client().wrap(DATA_KEY, PLACE)
    google.fault = lambda _asked: reply
    with pytest.raises(Unavailable):
        google.client().unwrap(wrapped, PLACE)
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)


def test_key_that_can_not_be_wrapped_is_unavailable_whatever_kms_says_of_it(google: StandInKms) -> None:
    google.fault = lambda _asked: refusal(400, "INVALID_ARGUMENT")
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)


def test_data_key_is_carried_nowhere_else_by_a_redirect(google: StandInKms, server: ScriptedServer) -> None:
    google.fault = lambda _asked: Reply(307, b"{}", {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(Unavailable):
        google.client().wrap(DATA_KEY, PLACE)
    assert [asked.path for asked in server.asked] == [f"/v1/{KEY}:encrypt"]


def test_keys_of_the_deployments_project_unwrap_whatever_is_set(google: StandInKms) -> None:
    google.keys[OTHER_KEY] = KmsKey()
    wrapped = google.client(OTHER_KEY).wrap(DATA_KEY, PLACE)
    for key in ("", KEY, OTHER_KEY):
        assert google.client(key).unwrap(wrapped, PLACE) == DATA_KEY


@pytest.mark.parametrize(
    "stranger",
    [
        KEY.replace(PROJECT, "their-project"),
        KEY.replace(PROJECT, f"{PROJECT}-2"),
        KEY.replace(f"{PROJECT}/", f"{PROJECT}/../their-project/"),
        f"{KEY}?x=projects",
        f"{KEY}/cryptoKeyVersions/1",
        "",
        "fanfare-blind-index-key",
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_key_of_strangers_is_never_asked_for(google: StandInKms, key: str, stranger: str) -> None:
    google.keys[stranger] = KmsKey()
    with pytest.raises(Unavailable):
        google.client(key).unwrap(WrappedKey(b"sealed", stranger, "1"), PLACE)
    assert google.asked == []


def test_key_of_another_project_unwraps_where_it_is_set(google: StandInKms) -> None:
    key = KEY.replace(PROJECT, "keys-of-the-company")
    google.keys[key] = KmsKey()
    wrapped = google.client(key).wrap(DATA_KEY, PLACE)
    assert google.client(key).unwrap(wrapped, PLACE) == DATA_KEY


class Account(Credentials):  # type: ignore[misc]  # google-auth has no types here.
    """The account of an instance."""

    def refresh(self, request: object) -> None:
        self.token = "ya29.of-the-instance"


def test_session_carries_the_accounts_token_for_kms(google: StandInKms, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[list[str]] = []
    monkeypatch.setattr("google.auth.default", lambda *, scopes: (asked_for.append(scopes), (Account(), PROJECT))[1])
    kms = CloudKms(KEY, PROJECT, endpoint=server.url, session=open_session)
    assert asked_for == [], "nothing is opened before it is needed"
    assert kms.unwrap(kms.wrap(DATA_KEY, PLACE), PLACE) == DATA_KEY
    assert asked_for == [["https://www.googleapis.com/auth/cloudkms"]]
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer ya29.of-the-instance"}


def test_what_is_sent_carries_checksums_and_no_target(google: StandInKms, server: ScriptedServer) -> None:
    google.client().wrap(DATA_KEY, PLACE)
    body = json.loads(server.asked[0].body)
    assert server.asked[0].path == f"/v1/{KEY}:encrypt"
    assert body == {
        "plaintext": b64encode(DATA_KEY).decode("ascii"),
        "plaintextCrc32c": str(crc32c(DATA_KEY)),
        "additionalAuthenticatedData": b64encode(PLACE.encode()).decode("ascii"),
        "additionalAuthenticatedDataCrc32c": str(crc32c(PLACE.encode())),
    }
