"""Tasks that could not be performed, as an operator finds them in Firestore."""

from __future__ import annotations

from datetime import timedelta

from google.cloud.firestore import Client as Firestore

from fanfare.adapters.firestore.poison import KEPT, FirestorePoisonStore
from tests.factories import NOW


def test_a_refused_task_is_kept_in_plain_words_until_it_expires(firestore: Firestore) -> None:
    FirestorePoisonStore(firestore).record("send", "queues/send/tasks/1", "names_no_chunk", NOW)
    [stored] = firestore.collection("poison").stream()
    expected = {"v": 1, "function": "send", "task": "queues/send/tasks/1", "reason": "names_no_chunk", "at": NOW, "expires_at": NOW + KEPT}
    assert stored.to_dict() == expected


def test_a_task_that_comes_again_is_the_same_document_and_another_one_is_not(firestore: Firestore) -> None:
    poison = FirestorePoisonStore(firestore)
    for function, task in (("send", "1"), ("send", "1"), ("send", "2"), ("fanout", "1"), ("send", "a/b"), ("send", "")):
        poison.record(function, task, "names_no_chunk", NOW + timedelta(minutes=1))
    kept = [(stored.get("function"), stored.get("task")) for stored in firestore.collection("poison").stream()]
    assert sorted(kept) == [("fanout", "1"), ("send", ""), ("send", "1"), ("send", "2"), ("send", "a/b")]
