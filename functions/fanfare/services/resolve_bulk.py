"""From what the items of one request name to whom FCM is to reach: each device once, by a few hundred reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.batches import split
from fanfare.domain.bulk import MOST_REACHED, BulkRequest
from fanfare.domain.content import Content
from fanfare.domain.device import Device
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.ownership import as_reached
from fanfare.domain.recipient import Recipient, anonymous_recipient, distinct, recipient_of
from fanfare.domain.segment import is_match
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps

READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Found:
    """The active devices that a request names: by their own ids, and by whose they are."""

    by_id: Mapping[str, Device]
    by_address: Mapping[Address, Sequence[Device]]


def resolve_bulk(deps: Deps, tenant: str, request: BulkRequest, contents: Mapping[int, Content | None]) -> Mapping[int, Sequence[Recipient]]:
    """Resolve the items that have contents: the rows of each, every target once in each; InvalidRequest if they reach too many devices."""
    items = {index: request.items[index] for index in sorted(contents)}
    found = _find(deps, tenant, request.path, items.values())
    now = deps.clock.now()
    rows = {index: distinct(_rows_of(found, item, contents[index], now)) for index, item in items.items()}
    _check_number(request.path, sum(map(len, rows.values())))
    return rows


def _find(deps: Deps, tenant: str, path: str, items: Iterable[SendRequest]) -> _Found:
    """Read every named device once."""
    ids = list(dict.fromkeys(device_id for item in items for device_id in item.to.device_ids))
    addresses = list(dict.fromkeys(address for item in items for address in item.to.addresses))
    _check_number(path, len(ids) + len(addresses))
    by_id = {device.id: device for piece in split(ids, READ_AT_ONCE) for device in deps.devices.get(tenant, piece) if device.active}
    by_address = deps.devices.find_addressed(tenant, addresses, MOST_REACHED + 1)
    _check_number(path, len(by_id) + len({device.id for devices in by_address.values() for device in devices}))
    return _Found(by_id, by_address)


def _rows_of(found: _Found, item: SendRequest, content: Content | None, now: datetime) -> Iterator[Recipient]:
    only = item.only
    for raw in item.to.targets:
        if not only.platform or raw.platform in only.platform:
            yield anonymous_recipient(raw.target, raw.platform)._replace(content=content)
    for device, username in _devices_of(found, item):
        reached = as_reached(device)
        if is_match(only, reached, now):
            yield recipient_of(reached, username)._replace(content=content)


def _devices_of(found: _Found, item: SendRequest) -> Iterator[tuple[Device, str | None]]:
    """The devices that an item names, each with the username that it is addressed by."""
    yield from ((found.by_id[device_id], None) for device_id in item.to.device_ids if device_id in found.by_id)
    for address in item.to.addresses:
        username = address.value if address.kind is AddressKind.USERNAME else None
        yield from ((device, username) for device in found.by_address.get(address, ()))


def _check_number(path: str, number: int) -> None:
    if number > MOST_REACHED:
        raise InvalidRequest.at(path, f"reach more than {MOST_REACHED} devices; send to fewer at once")
