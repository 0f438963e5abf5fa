"""A tenant: one app with its own Firebase project, isolated from every other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

DEFAULT_QUOTA_PER_MINUTE = 600_000
"""FCM's default message rate of a project (firebase.google.com/docs/cloud-messaging/throttling-and-quotas)."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One app. `credential_secret` names the Secret Manager secret that holds its service account; `data_key_id` its current data key."""

    id: str
    name: str
    firebase_project_id: str
    credential_secret: str
    data_key_id: str
    created_at: datetime
    quota_per_minute: int = DEFAULT_QUOTA_PER_MINUTE
