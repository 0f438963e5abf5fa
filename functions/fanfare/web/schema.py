"""The pieces that request and answer schemas are made of.

A schema is built at its first use (`defer_build`): a cold instance pays for the few that its first request needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fanfare.domain.errors import FieldError, InvalidRequest
from fanfare.domain.identifiers import is_identifier
from fanfare.web.problems import CONTENT_TYPE, problem_of

_MOST_ERRORS = 50


def _check_identifier(value: str) -> str:
    if not is_identifier(value):
        raise ValueError("is reserved")
    return value


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"), AfterValidator(_check_identifier)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
PhoneNumber = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{1,14}$")]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Tags = Annotated[list[Tag], Field(max_length=50)]
Locale = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$")]
Timezone = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")]
PlatformName = Literal["android", "ios", "web"]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\-_.~%]{1,900}$")]
DeviceTarget = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[A-Za-z0-9_:.%~+=/-]+$")]


class In(BaseModel):
    """A request: unknown fields are refused, and nothing is converted (`"1"` is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Query(BaseModel):
    """A query string: unknown fields are refused; values arrive as text and are converted."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Problem(Out):
    """An error as RFC 9457 has it; `code` is permanent, `errors` names each wrong field."""

    class Field(Out):
        """One wrong field."""

        field: str
        message: str

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Field]
    request_id: str


def exactly_one(*names: str) -> Callable[[Any], Any]:
    """Make a validator that wants exactly one of the named fields; use it as an `after` model validator."""

    def check(model: Any) -> Any:  # noqa: ANN401 - any model
        given = [name for name in names if getattr(model, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(names)}" + (f", not {' and '.join(given)}" if given else ""))
        return model

    return check


def refuse(error: ValidationError) -> Response:
    """Answer what pydantic found, in our own error's shape: the first 50, or an answer could be many times as large as the body."""
    fields = found_errors(error, whole="body")
    return problem_of(InvalidRequest("; ".join(map(str, fields[:5])), fields))


def found_errors(error: ValidationError, *, whole: str = "") -> tuple[FieldError, ...]:
    """The first 50 things that pydantic found, by the paths of their fields; `whole` is the path of what has no part that is wrong."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_ERRORS]
    return tuple(FieldError(_path(item["loc"], whole), item["msg"].removeprefix("Value error, ")) for item in found)


def problems(*statuses: int) -> Any:  # noqa: ANN401 - the library's own type of it is invariant
    """Document that a route answers these statuses with problem documents, besides those that every route answers."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {status: {"content": {CONTENT_TYPE: {"schema": schema}}} for status in statuses}


def _path(location: Sequence[int | str], whole: str = "body") -> str:
    return ".".join(str(part) for part in location) or whole


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, as `field: message`."""
    item = error.errors(include_url=False)[0]
    return f"{_path(item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
