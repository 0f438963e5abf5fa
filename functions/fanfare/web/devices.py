"""`/devices`: register, list, look up, show, change, delete."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import ValidationError

from fanfare.domain.client import Scope
from fanfare.domain.device import Device
from fanfare.domain.errors import FanfareError, InvalidRequest
from fanfare.domain.limits import LimitGroup
from fanfare.domain.message import Platform
from fanfare.domain.registration import Registration
from fanfare.services.delete_inactive import delete_inactive_devices
from fanfare.services.device_states import activate_device, deactivate_device, erase_device
from fanfare.services.devices import delete_device, find_device, get_own_device, update_device
from fanfare.services.list_pages import list_devices
from fanfare.services.own_devices import claimed_by, seen_by
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.register_devices import register_device, register_devices
from fanfare.web.device_answers import BulkOut, DeviceOut, DevicePage, RemovedOut, show_device
from fanfare.web.device_queries import DevicePath, DeviceQuery, InactiveIn, LookupIn
from fanfare.web.device_schemas import DeviceIn, DevicesIn, DeviceUpdate, address_of, target_of
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import first_error, problems

routes = Resource("devices", "Installs of an app that can be reached.")


@routes.post("/devices", responses={201: DeviceOut, 200: DeviceOut, **problems(409)})
@authorized(Scope.DEVICES, group=LimitGroup.DEVICES, users=True)
@repeatable
def register(body: DeviceIn) -> Response:
    """Register a device, or refresh the one that has this target."""

    def perform() -> HttpAnswer:
        registered = register_device(deps(), call(), body.registration(claimed_by(call(), body.named())))
        return HttpAnswer(201 if registered.created else 200, _shown(registered.device))

    return once("POST /devices", perform)


@routes.post("/devices/bulk", responses={200: BulkOut, **problems(409)})
@authorized(Scope.DEVICES, group=LimitGroup.BULK)
@repeatable
def register_many(body: DevicesIn) -> Response:
    """Register up to a thousand devices; each succeeds or fails alone."""
    return once("POST /devices/bulk", lambda: HttpAnswer(200, {"items": _register_all(body.devices)}))


@routes.get("/devices", responses={200: DevicePage})
@authorized(Scope.DEVICES)
def index(query: DeviceQuery) -> Response:
    """List devices; deleted ones are hidden."""
    return show_page(list_devices(deps(), call().tenant, query.search(), query.limit, query.cursor), show_device)


@routes.post("/devices/lookup", responses={200: DeviceOut, **problems(404)})
@authorized(Scope.DEVICES)
def lookup(body: LookupIn) -> Response:
    """Find the device that has a target."""
    return jsonify(show_device(find_device(deps(), call().tenant, body.target())))


@routes.post("/devices/delete-inactive", responses={200: RemovedOut})
@authorized(Scope.DEVICES, group=LimitGroup.BULK)
def delete_inactive(body: InactiveIn) -> Response:
    """Delete the devices that have been inactive for so many days, 500 a call at most, as DELETE does."""
    return jsonify(delete_inactive_devices(deps(), call(), body.older_than_days)._asdict())


@routes.get("/devices/<id>", responses={200: DeviceOut, **problems(404)})
@authorized(Scope.DEVICES, users=True)
def show(path: DevicePath) -> Response:
    """Show a device."""
    return jsonify(_shown(get_own_device(deps(), call(), path.id)))


@routes.put("/devices/<id>", responses={200: DeviceOut, **problems(404, 409)})
@authorized(Scope.DEVICES, users=True)
def change(path: DevicePath, body: DeviceUpdate) -> Response:
    """Change what is given of a device; a new token or fid replaces its target."""
    device = update_device(
        deps(),
        call(),
        path.id,
        body.details(),
        target=target_of(body.token, body.fid),
        platform=Platform(body.platform) if body.platform else None,
        profile=address_of(body.profile_id, body.username, body.phone_number),
    )
    return jsonify(_shown(device))


@routes.delete("/devices/<id>", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES, users=True)
def delete(path: DevicePath) -> Response:
    """Delete a device: it receives nothing and is hidden; registering its target again revives it."""
    delete_device(deps(), call(), path.id)
    return Response(status=204)


@routes.post("/devices/<id>/activate", responses={200: DeviceOut, **problems(404)})
@authorized(Scope.DEVICES)
def activate(path: DevicePath) -> Response:
    """Let a device receive again, also a deleted one."""
    return jsonify(show_device(activate_device(deps(), call(), path.id)))


@routes.post("/devices/<id>/deactivate", responses={200: DeviceOut, **problems(404)})
@authorized(Scope.DEVICES)
def deactivate(path: DevicePath) -> Response:
    """Let a device receive nothing until it is activated or its target registers again."""
    return jsonify(show_device(deactivate_device(deps(), call(), path.id)))


@routes.post("/devices/<id>/erase", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES)
def erase(path: DevicePath) -> Response:
    """Wipe a device at once and for good, target and all; its target may register anew as another device."""
    erase_device(deps(), call(), path.id)
    return Response(status=204)


def _shown(device: Device) -> dict[str, Any]:
    return show_device(seen_by(deps(), call(), device))


def _register_all(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parsed = [_parse(device) for device in devices]
    good = [(index, registration) for index, registration in enumerate(parsed) if isinstance(registration, Registration)]
    outcomes = register_devices(deps(), call(), [registration for _, registration in good])
    items: dict[int, dict[str, Any]] = {index: {"index": index, "error": error} for index, error in enumerate(parsed) if isinstance(error, str)}
    for (index, _), outcome in zip(good, outcomes, strict=True):
        result = {"error": outcome.detail} if isinstance(outcome, FanfareError) else {"id": outcome.device.id}
        items[index] = {"index": index, **result}
    return [items[index] for index in range(len(devices))]


def _parse(raw: dict[str, Any]) -> Registration | str:
    try:
        device = DeviceIn.model_validate(raw)
        return device.registration(claimed_by(call(), device.named()))
    except ValidationError as error:
        return first_error(error)
    except InvalidRequest as error:
        return error.detail
