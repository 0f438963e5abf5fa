"""What Cloud Scheduler says of our jobs: which of them are missing, do not run, or have failed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import requests

from fanfare.adapters import cloud_scheduler
from fanfare.adapters.cloud_scheduler import CloudSchedulerJobs
from fanfare.config import SCHEDULED_FUNCTIONS, Settings
from fanfare.domain.errors import Unavailable
from local.jobs import create_jobs
from local.readiness import wait_until
from local.stack import Stack
from tests.contract.adapters.scripted import Reply, ScriptedServer, SilentServer, unused_url

WAIT_SECONDS = 20.0


@pytest.fixture
def settings(outside: Stack, project_id: str) -> Settings:
    """The stack's settings with a project of the test's own."""
    return replace(Settings.from_env(outside.environment), project=project_id)


def _create(settings: Settings, url: str = "http://127.0.0.1:9/") -> None:
    address = settings.cloud_tasks_endpoint.removeprefix("http://")
    urls = dict.fromkeys(SCHEDULED_FUNCTIONS, url)
    create_jobs(address, project=settings.project, region=settings.region, urls=urls, service_account="scheduler@example.com")


def _tell(settings: Settings, job: str, action: str) -> None:
    place = f"projects/{settings.project}/locations/{settings.region}/jobs/{job}"
    requests.post(f"{settings.cloud_tasks_endpoint}/v1/{place}:{action}", json={}, timeout=10).raise_for_status()


def _pause_all(settings: Settings) -> None:
    for name in SCHEDULED_FUNCTIONS:
        _tell(settings, name, "pause")


def test_jobs_that_are_not_there_are_named(settings: Settings) -> None:
    assert CloudSchedulerJobs(settings).probe() == tuple(f"{name}: there is no such job" for name in SCHEDULED_FUNCTIONS)


def test_jobs_that_have_never_run_are_as_they_should_be(settings: Settings) -> None:
    with ScriptedServer() as server:
        server.reply = lambda _asked: Reply(200)
        _create(settings, server.url)
        assert CloudSchedulerJobs(settings).probe() == ()
        _pause_all(settings)


def test_paused_job_is_named_until_it_is_resumed(settings: Settings) -> None:
    with ScriptedServer() as server:
        server.reply = lambda _asked: Reply(200)
        _create(settings, server.url)
        jobs = CloudSchedulerJobs(settings)
        _tell(settings, "rollup", "pause")
        assert jobs.probe() == ("rollup: it is not enabled",)
        _tell(settings, "rollup", "resume")
        assert jobs.probe() == ()
        _pause_all(settings)


def test_job_whose_last_attempt_failed_is_named_until_one_succeeds(settings: Settings) -> None:
    with ScriptedServer() as server:
        server.reply = lambda _asked: Reply(500)
        _create(settings, server.url)
        jobs = CloudSchedulerJobs(settings)
        _tell(settings, "cleanup", "run")
        assert wait_until(
            lambda: any(problem.startswith("cleanup: its last attempt failed (status ") for problem in jobs.probe()), timeout_seconds=WAIT_SECONDS
        )
        server.reply = lambda _asked: Reply(200)
        for name in SCHEDULED_FUNCTIONS:
            _tell(settings, name, "run")
        assert wait_until(lambda: jobs.probe() == (), timeout_seconds=WAIT_SECONDS)
        _pause_all(settings)


def test_scheduler_that_is_not_there_is_unavailable(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        CloudSchedulerJobs(replace(settings, cloud_tasks_endpoint=unused_url())).probe()


def test_scheduler_that_is_silent_is_waited_for_no_longer_than_a_probe_may(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_scheduler, "PROBE_SECONDS", 0.3)
    with SilentServer() as server:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            CloudSchedulerJobs(replace(settings, cloud_tasks_endpoint=f"http://{server.address}")).probe()
    assert time.monotonic() - started < 2.0
