"""Runs the stand-in until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

from aiohttp import web

from local.cloud.app import build_app

_SHUTDOWN_SECONDS = 1.0


async def serve(host: str, port: int, ready_file: Path | None, secrets_file: Path | None) -> None:
    """Listen, say so, and serve until SIGTERM or SIGINT; raises OSError when the port is taken and ValueError for a file of no secrets."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(build_app(secrets_file), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        _announce(host, runner.addresses[0][1], ready_file)
        await stop.wait()
    finally:
        await runner.cleanup()


def _announce(host: str, port: int, ready_file: Path | None) -> None:
    print(f"local cloud services on http://{host}:{port}", flush=True)
    if ready_file is not None:
        half_written = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        half_written.write_text(json.dumps({"port": port}))
        # A reader sees the whole file or none.
        half_written.replace(ready_file)
