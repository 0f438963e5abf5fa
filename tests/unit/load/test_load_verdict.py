"""What a load run is judged by, whom it calls, and whom it sends to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from local.environment_file import write_environment_file
from tests.load.__main__ import parse
from tests.load.arrivals import Arrivals
from tests.load.caller import Caller, find_caller
from tests.load.errors import LoadError
from tests.load.plan import Plan
from tests.load.record import Failure, Kind, Record, read_record
from tests.load.run import Run
from tests.load.table import render
from tests.load.verdict import judge

BULK = Kind("POST /notify/bulk", 30, 0, 900.0, 1_500.0, 1_600.0)
RECORD = Record("load-1-", 10_000, 9.0, 1_000.0, ["n-1", "n-2"], [BULK], [])
ARRIVED = Arrivals(at=1_100.0, accepted=110_000, delivered=110_000, repeats=0)
PLAN = Plan(seconds=100)


def broken(record: Record, arrived: Arrivals) -> list[int]:
    """The places of the promises that are broken."""
    return [index for index, promise in enumerate(judge(PLAN, record, arrived)) if not promise.is_kept]


@pytest.mark.parametrize(
    ("record", "arrived", "expected"),
    [
        (RECORD, ARRIVED, []),
        (RECORD, replace(ARRIVED, accepted=100_000, delivered=100_000), []),
        (RECORD, replace(ARRIVED, accepted=99_999, delivered=99_999), [1, 2]),
        (RECORD, replace(ARRIVED, at=1_120.0), [1, 2]),
        (RECORD, replace(ARRIVED, delivered=109_999), [3]),
        (RECORD, replace(ARRIVED, delivered=99_999), [2, 3]),
        (RECORD, replace(ARRIVED, accepted=0, delivered=0), [1, 2, 3]),
        (replace(RECORD, kinds=[replace(BULK, errors=1)]), ARRIVED, [0]),
        (replace(RECORD, errors=[Failure("a user", "KeyError", 2)]), ARRIVED, [0]),
        (replace(RECORD, kinds=[]), ARRIVED, [0]),
    ],
)
def test_a_run_is_judged_by_what_had_arrived_at_its_end(record: Record, arrived: Arrivals, expected: list[int]) -> None:
    assert broken(record, arrived) == expected


def test_the_report_tells_what_is_late_from_what_is_lost_and_what_failed() -> None:
    at_end, later = replace(ARRIVED, delivered=100_000), replace(ARRIVED, at=1_104.0, delivered=109_000)
    record = replace(RECORD, errors=[Failure("POST /notify", "503 a|b", 3)])
    text = render(record, at_end, later, judge(PLAN, record, at_end))
    assert "9,000 more came in the 4 s after it" in text
    assert "| `POST /notify/bulk` | 30 | 0.3 | 0 | 900 | 1,500 | 1,600 |" in text
    assert "| POST /notify | 503 a/b | 3 |" in text
    assert text.count("**broken**") == 2


def test_what_the_environment_names_comes_before_the_stack_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "stack.env"
    named = Caller("https://api.example", "client", "tok en")
    running = Caller("http://127.0.0.1:8080", "other", "to'ken", "http://127.0.0.1:9")
    assert find_caller({}, file) is None
    write_environment_file(file, running.environment)
    assert find_caller({}, file) == running
    assert find_caller(named.environment, file) == named
    assert find_caller({"FANFARE_URL": named.url}, file) == running


def test_the_crowd_is_gone_round_and_no_device_is_sent_to_twice_at_once() -> None:
    run = Run(crowd=["a", "b", "c", "d"])
    assert [run.next_devices(3), run.next_devices(3), run.next_devices(9)] == [["a", "b", "c"], ["d", "a", "b"], ["c", "d", "a", "b"]]


@pytest.mark.parametrize("seconds", [20, 30, 120, 600])
def test_more_is_offered_than_is_promised_of_the_whole_run(seconds: int) -> None:
    plan = Plan(seconds=seconds)
    assert plan.bulk_rate * (seconds - plan.quiet_seconds) > plan.least * seconds


def test_a_run_without_an_end_never_becomes_quiet() -> None:
    run = Run()
    run.begin(None, 5.0)
    assert not run.is_quiet
    run.begin(4.0, 5.0)
    assert run.is_quiet


def test_the_command_line_changes_what_it_names() -> None:
    plan, keep, is_written = parse(["--seconds", "30", "--users", "8"])
    assert (plan, keep, is_written) == (Plan(seconds=30, users=8), None, False)
    with pytest.raises(SystemExit):
        parse(["--users", "2"])


def test_a_run_that_left_no_record_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(LoadError):
        read_record(tmp_path / "record.json")
