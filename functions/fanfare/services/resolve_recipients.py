"""From what a caller names to whom FCM is to reach: at most 500 recipients, each target once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fanfare.domain.device import Device
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.filters import DeviceFilter
from fanfare.domain.ownership import as_reached
from fanfare.domain.recipient import Recipient, anonymous_recipient, distinct, fanned_out_recipient, recipient_of
from fanfare.domain.segment import Segment, is_match
from fanfare.domain.send_request import MOST_RECIPIENTS, SendRequest
from fanfare.ports import Deps

PAGE = 500
MOST_SCANNED = 5_000
"""A filter is evaluated device by device here; a bigger tenant's segment needs its packed audience."""


def resolve_recipients(deps: Deps, tenant: str, request: SendRequest) -> tuple[Recipient, ...]:
    """Resolve the addressees; InvalidRequest if they are more than 500."""
    to = request.to
    if to.fanned_out is not None:
        return (fanned_out_recipient(to.fanned_out),)
    if to.targets:
        wanted = (raw for raw in to.targets if not request.only.platform or raw.platform in request.only.platform)
        return distinct(anonymous_recipient(raw.target, raw.platform) for raw in wanted)
    now = deps.clock.now()
    names = frozenset(request.usernames)
    matching = (device for device in map(as_reached, _devices(deps, tenant, request)) if is_match(request.only, device, now))
    recipients = distinct(recipient_of(device, _addressed_username(device, names)) for device in matching)
    if len(recipients) > MOST_RECIPIENTS:
        raise InvalidRequest.at("to", f"reaches more than {MOST_RECIPIENTS} devices")
    return recipients


def _devices(deps: Deps, tenant: str, request: SendRequest) -> Iterable[Device]:
    to = request.to
    if to.device_ids:
        return (device for device in deps.devices.get(tenant, to.device_ids) if device.active)
    if to.segment is not None:
        return _scan(deps, tenant, to.segment)
    return _named(deps, tenant, request)


def _named(deps: Deps, tenant: str, request: SendRequest) -> Sequence[Device]:
    """Read the devices of the named people: one too many where all of them are meant, and all of them where a filter may leave few."""
    most = MOST_RECIPIENTS if request.only == Segment() else MOST_SCANNED
    found = deps.devices.find_active(tenant, request.to.addresses, most + 1)
    if len(found) > MOST_SCANNED:
        raise _too_many_to_scan()
    return found


def _scan(deps: Deps, tenant: str, segment: Segment) -> Iterator[Device]:
    """Read the tenant's active devices page by page and keep those of a segment."""
    now = deps.clock.now()
    after: str | None = None
    for _ in range(MOST_SCANNED // PAGE):
        page = deps.devices.list(tenant, DeviceFilter(active=True), PAGE, after)
        yield from (device for device in page.items if is_match(segment, as_reached(device), now))
        after = page.next_after
        if after is None:
            return
    raise _too_many_to_scan()


def _too_many_to_scan() -> InvalidRequest:
    return InvalidRequest.at("to", f"needs more than {MOST_SCANNED} devices to be looked at; narrow it by profile, topic or device")


def _addressed_username(device: Device, names: frozenset[str]) -> str | None:
    return next((owner.username for owner in device.owners if owner.username in names), None)
