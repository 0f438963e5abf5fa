"""The tables, as Markdown."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pycurl

from tests.bench.cold_start import Start
from tests.bench.rounds import Result

_HEADING = "# Performance\n\nMeasured, never asserted in tests: a table says when, where and by which command it was made.\n\n"
_COLUMNS = ("", "CPU µs a message", "÷ floor", "`send_each` ÷ it", "messages/s", "÷ `send_each`'s", "peak MiB", "server µs")
_START_COLUMNS = ("", "CPU ms", "÷ bare", "ms until the answer", "÷ bare")


def send_table(results: Sequence[Result], floor: Result, rival: Result) -> str:
    """One row for each contestant, compared with plain libcurl and with the SDK."""
    return table(_COLUMNS, [_row(result, floor, rival) for result in results])


def _row(result: Result, floor: Result, rival: Result) -> list[str]:
    low, high = result.cpu_range
    return [
        result.title,
        f"**{result.cpu_micros:,.1f}** ({low:,.1f} to {high:,.1f})",
        f"{result.cpu_micros / floor.cpu_micros:.2f}",
        f"{rival.cpu_micros / result.cpu_micros:.1f}",
        f"{result.messages_per_second:,.0f}",
        f"{result.messages_per_second / rival.messages_per_second:.1f}",
        f"{result.peak_mib:.0f}",
        f"{result.server_micros:.1f}",
    ]


def start_table(starts: Sequence[Start]) -> str:
    """One row for each kind of start, compared with the first, the bare imports."""
    bare = starts[0]
    return table(
        _START_COLUMNS,
        [
            [
                start.title,
                f"**{start.cpu_millis:,.0f}**",
                f"{start.cpu_millis / bare.cpu_millis:.2f}",
                f"{start.wall_millis:,.0f}",
                f"{start.wall_millis / bare.wall_millis:.2f}",
            ]
            for start in starts
        ],
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruler = ["---"] + ["---:"] * (len(columns) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, ruler, *rows))


def machine() -> str:
    """When and on what it was measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("pycurl", "firebase-admin", "google-cloud-firestore", "functions-framework"))
    libcurl = pycurl.version.split()[1].replace("libcurl/", "libcurl ")
    return (
        f"{datetime.now(tz=UTC):%Y-%m-%d}; {os.cpu_count()} cores of {_cpu_model()}, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {packages}, {libcurl}."
    )


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def write_between_markers(file: Path, text: str, name: str) -> None:
    """Replace what stands between a benchmark's markers; a file without them gets them at its end."""
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{opening}\n{text}\n{closing}"
    old = file.read_text(encoding="utf-8") if file.is_file() else _HEADING
    before, begin, rest = old.partition(opening)
    _, end, after = rest.partition(closing)
    new = f"{before}{section}{after}" if begin and end else f"{old.rstrip()}\n\n{section}\n"
    file.parent.mkdir(exist_ok=True)
    file.write_text(new, encoding="utf-8")
