from __future__ import annotations

import pytest
from multidict import CIMultiDict

from local.gateway import choose_route, end_to_end_headers, forwarded_headers

FUNCTIONS = ("api", "send", "stream")


@pytest.mark.parametrize(
    ("path", "function", "seen"),
    [
        ("/", "api", "/"),
        ("/api/v1/notify/", "api", "/api/v1/notify/"),
        ("/api", "api", "/api"),
        ("/send", "send", "/"),
        ("/send/", "send", "/"),
        ("/send/chunk%2F1", "send", "/chunk%2F1"),
        ("/sender", "api", "/sender"),
        ("/fanout", "api", "/fanout"),
        ("/stream", "stream", "/"),
        ("/api/v1/events/stream", "stream", "/api/v1/events/stream"),
        ("/api/v1/events/stream/", "stream", "/api/v1/events/stream/"),
        ("/api/v1/events/streams", "api", "/api/v1/events/streams"),
    ],
)
def test_each_path_goes_to_its_function(path: str, function: str, seen: str) -> None:
    assert choose_route(path, FUNCTIONS) == (function, seen)


def test_events_go_to_api_where_there_is_no_stream_function() -> None:
    assert choose_route("/api/v1/events/stream", ("api", "send")) == ("api", "/api/v1/events/stream")


def test_headers_of_one_connection_are_dropped_and_repeated_ones_kept() -> None:
    headers = CIMultiDict(
        [
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "5"),
            ("Transfer-Encoding", "chunked"),
            ("Set-Cookie", "a"),
            ("Set-Cookie", "b"),
        ],
    )
    assert list(end_to_end_headers(headers).items()) == [("Set-Cookie", "a"), ("Set-Cookie", "b")]


def test_peer_is_appended_to_every_earlier_forwarder() -> None:
    headers = CIMultiDict([("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "203.0.113.2")])
    assert forwarded_headers(headers, "127.0.0.1").getall("X-Forwarded-For") == ["203.0.113.1, 203.0.113.2, 127.0.0.1"]
