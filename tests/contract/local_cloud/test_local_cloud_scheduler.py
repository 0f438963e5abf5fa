"""Scheduled jobs, through the real Cloud Scheduler client."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import google.auth.transport.requests
import pytest
import requests
from google.api_core import exceptions
from google.cloud import scheduler_v1
from google.oauth2 import id_token
from google.protobuf.field_mask_pb2 import FieldMask

from tests.contract.local_cloud.conftest import LOCATION, LocalCloud, Recorder

Scheduler = scheduler_v1.CloudSchedulerClient
State = scheduler_v1.Job.State
EMAIL = "scheduler@demo.iam.gserviceaccount.com"


def make_job(scheduler: Scheduler, url: str, **fields: Any) -> scheduler_v1.Job:
    target = {"uri": url, "http_method": scheduler_v1.HttpMethod.POST, "body": b"tick", "oidc_token": {"service_account_email": EMAIL}}
    job = {"name": f"{LOCATION}/jobs/j-{uuid.uuid4().hex[:12]}", "schedule": "0 3 * * *", "http_target": target, **fields}
    return scheduler.create_job(parent=LOCATION, job=scheduler_v1.Job(job))


def test_run_fires_at_once_and_records_the_attempt(scheduler: Scheduler, recorder: Recorder, cloud: LocalCloud) -> None:
    job = make_job(scheduler, recorder.url + "/tick")
    scheduler.run_job(name=job.name)
    cloud.wait_idle()
    (dispatch,) = recorder.dispatches
    assert (dispatch.path, dispatch.body, dispatch.headers["X-CloudScheduler"]) == ("/tick", b"tick", "true")
    assert dispatch.headers["X-CloudScheduler-JobName"] == job.name.rpartition("/")[2]
    assert datetime.now(UTC) - datetime.fromisoformat(dispatch.headers["X-CloudScheduler-ScheduleTime"]) < timedelta(minutes=1)
    shown = scheduler.get_job(name=job.name)
    assert shown.status.code == 0
    assert datetime.now(UTC) - shown.last_attempt_time < timedelta(minutes=1)


def test_oidc_token_of_a_job_verifies(scheduler: Scheduler, recorder: Recorder, cloud: LocalCloud) -> None:
    job = make_job(scheduler, recorder.url + "/tick")
    scheduler.run_job(name=job.name)
    cloud.wait_idle()
    token = recorder.dispatches[0].headers["Authorization"].removeprefix("Bearer ")
    with requests.Session() as session:
        request = google.auth.transport.requests.Request(session=session)
        claims = id_token.verify_token(token, request, audience=recorder.url + "/tick", certs_url=cloud.url + "/oauth2/v3/certs")
    assert claims["email"] == EMAIL


def test_failed_run_shows_its_status(scheduler: Scheduler, recorder: Recorder, cloud: LocalCloud) -> None:
    recorder.answer("/tick", 500, 500)
    job = make_job(scheduler, recorder.url + "/tick")
    scheduler.run_job(name=job.name)
    cloud.wait_idle()
    assert scheduler.get_job(name=job.name).status.code == 13
    assert len(recorder.dispatches) == 1


def test_failed_run_is_retried_as_often_as_asked(scheduler: Scheduler, recorder: Recorder, cloud: LocalCloud) -> None:
    recorder.answer("/tick", 500)
    retry = scheduler_v1.RetryConfig(retry_count=1, min_backoff_duration=timedelta(seconds=0.05))
    job = make_job(scheduler, recorder.url + "/tick", retry_config=retry)
    scheduler.run_job(name=job.name)
    cloud.wait_idle()
    assert len(recorder.dispatches) == 2
    assert scheduler.get_job(name=job.name).status.code == 0


def test_next_firing_follows_cron_and_time_zone(scheduler: Scheduler, recorder: Recorder) -> None:
    job = make_job(scheduler, recorder.url, time_zone="Africa/Dar_es_Salaam")
    assert (job.schedule_time.hour, job.schedule_time.minute) == (0, 0)
    assert timedelta(0) < job.schedule_time - datetime.now(UTC) <= timedelta(days=1)


def test_paused_job_has_no_next_firing_until_resumed(scheduler: Scheduler, recorder: Recorder) -> None:
    job = make_job(scheduler, recorder.url)
    paused = scheduler.pause_job(name=job.name)
    assert (paused.state, paused.schedule_time) == (State.PAUSED, None)
    resumed = scheduler.resume_job(name=job.name)
    assert (resumed.state, resumed.schedule_time) == (State.ENABLED, job.schedule_time)


def test_masked_update_changes_the_schedule_only(scheduler: Scheduler, recorder: Recorder) -> None:
    job = make_job(scheduler, recorder.url, description="nightly")
    changed = scheduler_v1.Job(name=job.name, schedule="*/5 * * * *")
    updated = scheduler.update_job(job=changed, update_mask=FieldMask(paths=["schedule"]))
    assert (updated.schedule, updated.description, updated.http_target.uri) == ("*/5 * * * *", "nightly", recorder.url)
    assert updated.schedule_time - datetime.now(UTC) <= timedelta(minutes=5)


def test_jobs_are_listed_and_deleted(scheduler: Scheduler, recorder: Recorder) -> None:
    job = make_job(scheduler, recorder.url)
    assert job.name in {listed.name for listed in scheduler.list_jobs(parent=LOCATION)}
    scheduler.delete_job(name=job.name)
    assert job.name not in {listed.name for listed in scheduler.list_jobs(parent=LOCATION)}
    with pytest.raises(exceptions.NotFound):
        scheduler.get_job(name=job.name)


def test_existing_job_conflicts(scheduler: Scheduler, recorder: Recorder) -> None:
    job = make_job(scheduler, recorder.url)
    with pytest.raises(exceptions.Conflict):
        make_job(scheduler, recorder.url, name=job.name)


@pytest.mark.parametrize(
    "fields",
    [{"schedule": "every 5 minutes"}, {"schedule": "61 * * * *"}, {"time_zone": "Mars/Olympus"}, {"attempt_deadline": timedelta(seconds=5)}],
)
def test_unacceptable_job_is_refused(fields: dict[str, Any], scheduler: Scheduler, recorder: Recorder) -> None:
    with pytest.raises(exceptions.BadRequest):
        make_job(scheduler, recorder.url, **fields)
