"""A topic and its document."""

from __future__ import annotations

from typing import Any

from google.cloud.firestore import DocumentSnapshot

from fanfare.domain.topic import Topic, TopicState

VERSION = 1


def to_document(topic: Topic) -> dict[str, Any]:
    """Map a topic."""
    return {
        "v": VERSION,
        "description": topic.description,
        "state": topic.state.value,
        "next_check_at": topic.check_at,
        "created_at": topic.created_at,
        "updated_at": topic.updated_at,
    }


def from_snapshot(snapshot: DocumentSnapshot[Any]) -> Topic:
    """Map a document."""
    fields = snapshot.to_dict() or {}
    return Topic(
        name=snapshot.id,
        description=fields["description"],
        state=TopicState(fields["state"]),
        check_at=fields["next_check_at"],
        created_at=fields["created_at"],
        updated_at=fields["updated_at"],
        revision=snapshot.update_time,
    )
