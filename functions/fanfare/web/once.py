"""Answers of creating routes: performed once per Idempotency-Key, replayed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Response, jsonify, request

from fanfare.domain.identifiers import hash_identifier
from fanfare.services.perform_once import HttpAnswer, perform_once
from fanfare.web.gate import call, deps

F = TypeVar("F", bound=Callable[..., object])


def repeatable(route: F) -> F:
    """Say of a route that it honours `Idempotency-Key`: the document tells of it (and a structure test holds the route to it)."""
    route.repeatable = True  # type: ignore[attr-defined]
    return route


def once(route: str, perform: Callable[[], HttpAnswer]) -> Response:
    """Perform the request, or answer as its key was answered before."""
    return respond(perform_once(deps(), call(), route, request_hash(), perform))


def request_hash() -> str:
    """Name this request's body, to the byte."""
    return hash_identifier(request.get_data(cache=True).decode("utf-8", "surrogateescape"))


def respond(answer: HttpAnswer) -> Response:
    """Turn an answer into a response."""
    response = jsonify(answer.body)
    response.status_code = answer.status
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
