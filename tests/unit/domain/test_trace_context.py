"""Where a request stands in a trace: what of two headers is taken, and that nothing else ever is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.trace_context import TraceContext, read_trace_context, traceparent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("traceparent", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-is-to-come", True),
    ],
)
def test_traceparent_is_read(traceparent: str, is_sampled: bool) -> None:  # noqa: FBT001 - a row of the table
    assert read_trace_context(traceparent, "") == TraceContext(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        "00-\u0661\u0661",
    ],
)
def test_traceparent_of_another_form_is_left_aside(traceparent: str) -> None:
    assert read_trace_context(traceparent, "") is None
    assert read_trace_context(traceparent, f"{TRACE}/1") == TraceContext(TRACE, "0000000000000001", is_sampled=False)


@pytest.mark.parametrize(
    ("header", "span", "is_sampled"),
    [
        (TRACE, "", False),
        (TRACE.upper(), "", False),
        (f"{TRACE};o=1", "", True),
        (f"{TRACE}/255;o=1", "00000000000000ff", True),
        (f"{TRACE}/255;o=0", "00000000000000ff", False),
        (f"{TRACE}/18446744073709551615", "f" * 16, False),
        (f"{TRACE}/18446744073709551616", "", False),
        (f"{TRACE}/0;o=1", "", True),
    ],
)
def test_header_of_google_is_read(header: str, span: str, is_sampled: bool) -> None:  # noqa: FBT001 - a row of the table
    assert read_trace_context("", header) == TraceContext(TRACE, span, is_sampled)


@pytest.mark.parametrize("header", ["", "0" * 32, f"{TRACE}/", f"{TRACE}/x", f"{TRACE};o=", f"{TRACE}/1;o=1\n", TRACE[:-1], f"{TRACE}/{'9' * 21}"])
def test_header_of_google_of_another_form_is_left_aside(header: str) -> None:
    assert read_trace_context("", header) is None


def test_traceparent_goes_before_the_header_of_google() -> None:
    found = read_trace_context(f"00-{TRACE}-{SPAN}-01", f"{'a' * 32}/1")
    assert found is not None
    assert found.trace_id == TRACE


@given(st.text(HEX, min_size=32, max_size=32).filter(lambda text: set(text) != {"0"}), st.text(HEX, min_size=16, max_size=16), st.booleans())
def test_what_is_written_is_read(trace: str, span: str, is_sampled: bool) -> None:  # noqa: FBT001 - drawn
    context = TraceContext(trace, span, is_sampled)
    expected = context if set(span) != {"0"} else None
    assert read_trace_context(traceparent_of(context), "") == expected


@given(st.text(), st.text())
def test_any_text_is_read_or_left_aside(traceparent: str, cloud_trace: str) -> None:
    found = read_trace_context(traceparent, cloud_trace)
    assert found is None or set(found.trace_id + found.span_id) <= set(HEX)
