"""What is wrong with a scheduled job, and with the whole."""

from __future__ import annotations

import pytest

from fanfare.domain.health import ComponentHealth, JobSeen, State, is_impaired, job_problem


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        (JobSeen(enabled=True), None),
        (JobSeen(enabled=True, last_code=0), None),
        (JobSeen(enabled=True, last_code=13), "rollup: its last attempt failed (status 13)"),
        (JobSeen(enabled=False, last_code=0), "rollup: it is not enabled"),
        (None, "rollup: there is no such job"),
    ],
)
def test_job_is_well_if_it_is_enabled_and_has_not_failed(job: JobSeen | None, problem: str | None) -> None:
    assert job_problem("rollup", job) == problem


@pytest.mark.parametrize(("state", "expected"), [(State.OK, False), (State.UNKNOWN, False), (State.DEGRADED, True), (State.DOWN, True)])
def test_what_is_down_or_degraded_impairs_the_whole(state: State, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_impaired([ComponentHealth(State.OK), ComponentHealth(state)]) is expected
