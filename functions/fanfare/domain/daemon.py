"""What the fcmpy daemon's callers say, and the request to send that it comes to.

| field of the form | becomes |
|---|---|
| `username` | whose devices are reached, all that are active; `{username}` |
| `type` | the template, or `default` where there is none of this name; the notification's `type` |
| `from` | `{caller}`; the notification's `caller` |
| `body` | `{body}` |

A variable that the template names and nobody gives is its default there, else empty: a caller of the daemon never had to give any. Each message
carries `type`, `caller` and `username` in its data, because FCM keeps `from` for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fanfare.domain.address import Address, AddressKind
from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.message import TargetKind
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, SendRequest, message_of
from fanfare.domain.starter_templates import BUILT_IN_DEFAULT, DEFAULT
from fanfare.domain.target import Target, check_device_target
from fanfare.domain.template import Template
from fanfare.domain.variables import USERNAME
from fanfare.domain.wording import bare_wording, names_of

LONGEST_USERNAME = 128
LONGEST_LABEL = 255
LONGEST_BODY = 4_096
_LIMITS = {"username": LONGEST_USERNAME, "type": LONGEST_LABEL, "from": LONGEST_LABEL, "body": LONGEST_BODY}


@dataclass(frozen=True, slots=True)
class DaemonMessage:
    """One push as a caller of the daemon asks for it. `caller` is the form's `from`; None: not given."""

    username: str
    type: str = DEFAULT
    caller: str | None = None
    body: str | None = None


def read_message(form: Mapping[str, str]) -> DaemonMessage:
    """Read the form; fields that nobody knows are left out, as the daemon left them out. InvalidRequest names each wrong one."""
    errors = tuple(_errors(form))
    if errors:
        raise InvalidRequest.of(errors)
    return DaemonMessage(form["username"], form.get("type") or DEFAULT, form.get("from"), form.get("body"))


def _errors(form: Mapping[str, str]) -> Iterator[FieldError]:
    if not form.get("username"):
        yield FieldError("username", "is missing")
    elif not form["username"].isprintable():
        yield FieldError("username", "must hold no control characters")
    for name, longest in _LIMITS.items():
        if len(form.get(name, "")) > longest:
            yield FieldError(name, f"must have at most {longest} characters")


def read_replying(fields: Mapping[str, str]) -> Target:
    """Read which app replies to a ping: the one that has the `token`."""
    if not fields.get("token"):
        raise InvalidRequest.at("token", "is missing")
    return check_device_target(TargetKind.TOKEN, fields["token"], "token")


def request_of(message: DaemonMessage, template: Template | None, request_hash: str) -> SendRequest:
    """The request to send by a template, or by the built-in default where the tenant has none."""
    words = template or BUILT_IN_DEFAULT
    data = {"type": message.type, "caller": message.caller or "", USERNAME: message.username}
    raw: dict[str, Any] = {"to": {"usernames": [message.username]}, "template": words.name, "data": data}
    variables = {**_empty(words, raw), **_given(message)}
    raw = {**raw, "variables": variables}
    return SendRequest(
        to=Addressees(addresses=(Address(AddressKind.USERNAME, message.username),)),
        only=Segment(),
        message=message_of(raw),
        raw=raw,
        request_hash=request_hash,
        caller=message.caller,
        type=message.type,
        usernames=(message.username,),
        template=words.name,
        variables=variables,
        stand_in=BUILT_IN_DEFAULT,
    )


def _given(message: DaemonMessage) -> dict[str, str]:
    given = {USERNAME: message.username, "caller": message.caller, "body": message.body}
    return {name: value for name, value in given.items() if value is not None}


def _empty(template: Template, raw: Mapping[str, Any]) -> dict[str, str]:
    """The variables that a template names without a default; of one that a hand has broken there are none."""
    return dict.fromkeys(sorted(names_of(bare_wording(template), raw) - template.defaults.keys()), "")
