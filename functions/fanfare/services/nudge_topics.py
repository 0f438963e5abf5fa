"""Asking for a call that tells FCM what it does not know yet of devices that were just stored.

The change itself is stored with its devices, so a nudge that is lost costs a minute: the schedule tick finds what is overdue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fanfare.domain.batches import split
from fanfare.domain.registration import RegistrationPlan
from fanfare.ports import Deps
from fanfare.services.leave_fcm import say_farewell

DEVICES_PER_TASK = 500


def nudge(deps: Deps, tenant: str, stored: Sequence[RegistrationPlan], request_id: str) -> None:
    """Ask for it for those of the stored plans' devices by which something has become pending, and take leave of the targets that were replaced."""
    nudge_devices(deps, tenant, [device_id for plan in stored for device_id in _turned(plan)], request_id)
    # An app that was given a new token may go on receiving by the old one for a while.
    say_farewell(deps, tenant, [plan.previous for plan in stored if plan.previous is not None and plan.previous.target != plan.device.target])


def nudge_devices(deps: Deps, tenant: str, device_ids: Sequence[str], request_id: str) -> None:
    """Ask for it for these devices, none named twice."""
    for piece in split(list(dict.fromkeys(device_ids)), DEVICES_PER_TASK):
        deps.tasks.enqueue_topic_sync(tenant, piece, request_id)


def _turned(plan: RegistrationPlan) -> Iterable[str]:
    """Whose pending topics are due as soon as they are stored: they have become so by this plan."""
    devices = [plan.device, *([plan.displaced.after] if plan.displaced else [])]
    return (device.id for device in devices if device.topic_sync.pending and device.topic_sync.check_at is None)
