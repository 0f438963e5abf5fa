"""From what a caller names to whom FCM is to reach: at most 500 recipients, each target once. An audience is resolved by `fanout`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fanfare.domain.device import Device
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.ownership import as_reached
from fanfare.domain.recipient import Recipient, anonymous_recipient, distinct, fanned_out_recipient, recipient_of
from fanfare.domain.segment import Segment, is_match
from fanfare.domain.send_request import MOST_RECIPIENTS, SendRequest
from fanfare.ports import Deps

MOST_FILTERED = 5_000
"""So many devices of the named people are looked at where a filter may leave few of them."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a request reaches, each with the time zone that its device is in, if that is known; and by device id the profiles that own it."""

    zoned: tuple[tuple[Recipient, str | None], ...] = ()
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def resolve_recipients(deps: Deps, tenant: str, request: SendRequest) -> tuple[Recipient, ...]:
    """Resolve the addressees; InvalidRequest if they are more than 500."""
    return tuple(row for row, _ in resolve_reach(deps, tenant, request).zoned)


def resolve_reach(deps: Deps, tenant: str, request: SendRequest) -> Reach:
    """The same, with what is known of their devices. A target that the caller gave itself, and a topic, have no owners."""
    to = request.to
    if to.fanned_out is not None:
        return Reach(((fanned_out_recipient(to.fanned_out), None),))
    if to.targets:
        wanted = (raw for raw in to.targets if not request.only.platform or raw.platform in request.only.platform)
        return Reach(tuple((row, None) for row in distinct(anonymous_recipient(raw.target, raw.platform) for raw in wanted)))
    now = deps.clock.now()
    names = frozenset(request.usernames)
    matching = [device for device in map(as_reached, _devices(deps, tenant, request)) if is_match(request.only, device, now)]
    recipients = distinct(recipient_of(device, _addressed_username(device, names)) for device in matching)
    if len(recipients) > MOST_RECIPIENTS:
        raise InvalidRequest.at("to", f"reaches more than {MOST_RECIPIENTS} devices")
    reached = {device.id: device for device in matching}
    zoned = tuple((row, reached[row.device_id].timezone) for row in recipients)
    return Reach(zoned, {row.device_id: reached[row.device_id].profile_ids for row in recipients})


def _devices(deps: Deps, tenant: str, request: SendRequest) -> Iterable[Device]:
    if request.to.device_ids:
        return (device for device in deps.devices.get(tenant, request.to.device_ids) if device.active)
    return _named(deps, tenant, request)


def _named(deps: Deps, tenant: str, request: SendRequest) -> Sequence[Device]:
    """Read the devices of the named people: one too many where all of them are meant, and all of them where a filter may leave few."""
    most = MOST_RECIPIENTS if request.only == Segment() else MOST_FILTERED
    found = deps.devices.find_active(tenant, request.to.addresses, most + 1)
    if len(found) > MOST_FILTERED:
        raise InvalidRequest.at("to", f"needs more than {MOST_FILTERED} devices to be looked at; name fewer people at once")
    return found


def _addressed_username(device: Device, names: frozenset[str]) -> str | None:
    return next((owner.username for owner in device.owners if owner.username in names), None)
