"""HTTP surface of Cloud Scheduler REST v1."""

from __future__ import annotations

import time

from aiohttp import web

from local.cloud.requests import apply_mask, read_document, read_mask, read_page
from local.cloud.scheduler.firing import JobRegistry, JobRunner
from local.cloud.scheduler.job import check_job_name, parse_job_settings

JOBS = web.AppKey("jobs", JobRegistry)

_LOCATION = "/v1/projects/{project:[^/]+}/locations/{location:[^/]+}"
_JOB = _LOCATION + "/jobs/{job:[^/:]+}"


async def create_job(request: web.Request) -> web.Response:
    """Make a job."""
    document = await read_document(request)
    job = request.app[JOBS].create(check_job_name(document, _parent(request)), parse_job_settings(document))
    return web.json_response(job.to_document())


async def list_jobs(request: web.Request) -> web.Response:
    """List the jobs of a location."""
    page, token = read_page(request, request.app[JOBS].within(_parent(request)), lambda job: job.name)
    return web.json_response({"jobs": [job.to_document() for job in page], "nextPageToken": token})


async def get_job(request: web.Request) -> web.Response:
    """Show a job."""
    return _show(_runner(request))


async def patch_job(request: web.Request) -> web.Response:
    """Change a job's settings."""
    document, runner = await read_document(request), _runner(request)
    merged = apply_mask(runner.job.settings.document, document, read_mask(request))
    runner.job.configure(parse_job_settings(merged))
    runner.arm()
    return _show(runner)


async def delete_job(request: web.Request) -> web.Response:
    """Remove a job."""
    request.app[JOBS].delete(_runner(request).job.name)
    return web.json_response({})


async def pause_job(request: web.Request) -> web.Response:
    """Fire no more until resumed."""
    return _set_paused(request, paused=True)


async def resume_job(request: web.Request) -> web.Response:
    """Fire again from the next scheduled minute on."""
    return _set_paused(request, paused=False)


async def run_job(request: web.Request) -> web.Response:
    """Fire at once, paused or not."""
    runner = _runner(request)
    runner.run_now(time.time())
    return _show(runner)


def _set_paused(request: web.Request, *, paused: bool) -> web.Response:
    runner = _runner(request)
    runner.job.is_paused = paused
    runner.arm()
    return _show(runner)


def _parent(request: web.Request) -> str:
    return f"projects/{request.match_info['project']}/locations/{request.match_info['location']}"


def _runner(request: web.Request) -> JobRunner:
    return request.app[JOBS].find(f"{_parent(request)}/jobs/{request.match_info['job']}")


def _show(runner: JobRunner) -> web.Response:
    return web.json_response(runner.job.to_document())


ROUTES = [
    web.post(_LOCATION + "/jobs", create_job),
    web.get(_LOCATION + "/jobs", list_jobs),
    web.get(_JOB, get_job),
    web.patch(_JOB, patch_job),
    web.delete(_JOB, delete_job),
    web.post(_JOB + ":pause", pause_job),
    web.post(_JOB + ":resume", resume_job),
    web.post(_JOB + ":run", run_job),
]
