"""`/devices`: register, list, show, change, delete."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from flask_openapi import APIBlueprint, Tag
from pydantic import ValidationError

from fanfare.domain.client import Scope
from fanfare.domain.errors import FanfareError, InvalidRequest
from fanfare.domain.listing import DeviceFilter
from fanfare.domain.message import Platform
from fanfare.services.devices import delete_device, get_device, update_device
from fanfare.services.list_pages import list_devices
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.register_devices import register_device, register_devices
from fanfare.web.device_schemas import (
    BulkOut,
    DeviceIn,
    DeviceOut,
    DevicePage,
    DeviceQuery,
    DevicesIn,
    DeviceUpdate,
    address_of,
    show_device,
    target_of,
)
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.once import once
from fanfare.web.schema import Identifier, In, first_error, problems

blueprint = APIBlueprint("devices", __name__, abp_tags=[Tag(name="devices", description="Installs of an app that can be reached.")])


class DevicePath(In):
    """Which device."""

    id: Identifier


@blueprint.post("/devices", responses={201: DeviceOut, 200: DeviceOut, **problems(409)})
@authorized(Scope.DEVICES)
def register(body: DeviceIn) -> Response:
    """Register a device, or refresh the one that has this target."""

    def perform() -> HttpAnswer:
        registered = register_device(deps(), caller().tenant, body.registration())
        return HttpAnswer(201 if registered.created else 200, show_device(registered.device))

    return once("POST /devices", perform)


@blueprint.post("/devices/bulk", responses={200: BulkOut, **problems(409)})
@authorized(Scope.DEVICES)
def register_many(body: DevicesIn) -> Response:
    """Register up to a thousand devices; each succeeds or fails alone."""
    return once("POST /devices/bulk", lambda: HttpAnswer(200, {"items": _register_all(body.devices)}))


@blueprint.get("/devices", responses={200: DevicePage})
@authorized(Scope.DEVICES)
def index(query: DeviceQuery) -> Response:
    """List devices; deleted ones are hidden."""
    platform = Platform(query.platform) if query.platform else None
    filters = DeviceFilter(query.profile_id, platform, query.active, query.device_id)
    items, cursor = list_devices(deps(), caller().tenant, filters, query.limit, query.cursor)
    return jsonify({"items": [show_device(device) for device in items], "next_cursor": cursor})


@blueprint.get("/devices/<id>", responses={200: DeviceOut, **problems(404)})
@authorized(Scope.DEVICES)
def show(path: DevicePath) -> Response:
    """Show a device."""
    return jsonify(show_device(get_device(deps(), caller().tenant, path.id)))


@blueprint.put("/devices/<id>", responses={200: DeviceOut, **problems(404, 409)})
@authorized(Scope.DEVICES)
def change(path: DevicePath, body: DeviceUpdate) -> Response:
    """Change what is given of a device; a new token or fid replaces its target."""
    device = update_device(
        deps(),
        caller().tenant,
        path.id,
        body.details(),
        target=target_of(body.token, body.fid),
        platform=Platform(body.platform) if body.platform else None,
        profile=address_of(body.profile_id, body.username, body.phone_number),
    )
    return jsonify(show_device(device))


@blueprint.delete("/devices/<id>", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES)
def delete(path: DevicePath) -> Response:
    """Delete a device: it receives nothing and is hidden; registering its target again revives it."""
    delete_device(deps(), caller().tenant, path.id)
    return Response(status=204)


def _register_all(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parsed = [_parse(device) for device in devices]
    good = [(index, device.registration()) for index, device in enumerate(parsed) if isinstance(device, DeviceIn)]
    outcomes = register_devices(deps(), caller().tenant, [registration for _, registration in good])
    items: dict[int, dict[str, Any]] = {index: {"index": index, "error": error} for index, error in enumerate(parsed) if isinstance(error, str)}
    for (index, _), outcome in zip(good, outcomes, strict=True):
        result = {"error": outcome.detail} if isinstance(outcome, FanfareError) else {"id": outcome.device.id}
        items[index] = {"index": index, **result}
    return [items[index] for index in range(len(devices))]


def _parse(device: dict[str, Any]) -> DeviceIn | str:
    try:
        return DeviceIn.model_validate(device)
    except ValidationError as error:
        return first_error(error)
    except InvalidRequest as error:
        return error.detail
