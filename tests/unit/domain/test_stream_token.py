from __future__ import annotations

from fanfare.domain.stream_token import LIFE, Listener, claims_of
from tests.factories import NOW

LISTENERS = (Listener("acme"), Listener("acme", "alice"), Listener("acme", "bob"), Listener("globex", "alice"), Listener("acmealice"))


def test_user_is_the_same_each_time_and_another_for_each_listener() -> None:
    assert Listener("acme", "alice").uid == Listener("acme", "alice").uid
    assert len({listener.uid for listener in LISTENERS}) == len(LISTENERS)


def test_user_names_nobody_and_is_one_that_firebase_takes() -> None:
    for listener in LISTENERS:
        assert listener.tenant not in listener.uid
        assert (listener.profile_id or "acme") not in listener.uid
        assert 0 < len(listener.uid) <= 128


def test_claims_say_whose_documents_and_until_when() -> None:
    until = int((NOW + LIFE).timestamp())
    assert claims_of(Listener("acme", "alice"), NOW + LIFE) == {"tenant": "acme", "profile": "alice", "until": until}
    assert claims_of(Listener("acme"), NOW + LIFE) == {"tenant": "acme", "until": until}
