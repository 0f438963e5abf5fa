"""Calls by the user of an app, who came with a Firebase ID token."""

from __future__ import annotations

from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.id_token import User
from tests.factories import TENANT_ID


def a_users_call(uid: str = "uid-1", *, tenant: str = TENANT_ID) -> Call:
    return Call(tenant, Actor(ActorKind.USER, User(tenant, uid).actor_id, "203.0.113.9", "request-1"), "request-1", user=uid)
