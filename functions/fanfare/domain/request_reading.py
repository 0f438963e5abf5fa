"""A request to send, read back from the JSON that is kept of it: what a schedule sends each time it fires.

What is kept names no bare targets, which are stored nowhere; a request that names some can't be kept to be sent later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import FANNED_OUT_BY_DEVICE, segment_from_json
from fanfare.domain.send_request import Addressees, SendRequest, message_of
from fanfare.domain.target import check_condition, check_topic

_KINDS = {"profile_ids": AddressKind.PROFILE, "usernames": AddressKind.USERNAME, "phone_numbers": AddressKind.PHONE}


def read_request(raw: Mapping[str, Any], request_hash: str) -> SendRequest:
    """The request that is kept as `raw`, as it was when the API took it; InvalidRequest if a filter in it is not understood."""
    to = raw["to"]
    return SendRequest(
        to=_addressees(to, by_device=raw.get("fanout") == FANNED_OUT_BY_DEVICE),
        only=segment_from_json(raw.get("only") or {}, "only"),
        message=message_of(raw),
        raw=raw,
        request_hash=request_hash,
        validate_only=raw.get("validate_only", False),
        caller=raw.get("caller"),
        type=raw.get("type"),
        usernames=tuple(to.get("usernames") or ()),
        template=raw.get("template"),
        variables=raw.get("variables") or {},
    )


def _addressees(to: Mapping[str, Any], *, by_device: bool) -> Addressees:
    if to.get("topic") is not None and by_device:
        return Addressees(segment=Segment(topics=(check_topic(to["topic"]).value,)))
    if to.get("topic") is not None:
        return Addressees(fanned_out=check_topic(to["topic"]))
    if to.get("condition") is not None:
        return Addressees(fanned_out=check_condition(to["condition"]))
    if to.get("everyone"):
        return Addressees(segment=Segment())
    if to.get("segment") is not None:
        saved = isinstance(to["segment"], str)
        return Addressees(segment_id=to["segment"]) if saved else Addressees(segment=segment_from_json(to["segment"], "to.segment"))
    named = (Address(kind, value) for name, kind in _KINDS.items() for value in to.get(name) or ())
    return Addressees(device_ids=tuple(dict.fromkeys(to.get("device_ids") or ())), addresses=tuple(dict.fromkeys(named)))
