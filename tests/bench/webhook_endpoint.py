"""Endpoints that are not the bottleneck: one nginx worker that takes every event, and one socket that never answers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.addresses import LOOPBACK, free_ports
from local.readiness import accepts_connections, wait_until

START_SECONDS = 10.0
_CONFIG = """\
daemon off;
master_process off;
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    tcp_nodelay on;
    server {{
        listen {host}:{port};
        location / {{ return 200 "ok"; }}
    }}
}}
"""


@contextmanager
def taking_endpoint(folder: Path) -> Iterator[str]:
    """Run nginx, stopped at the end; its URL. RuntimeError where there is none."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise RuntimeError("nginx is not installed (Debian: apt-get install nginx-light, then stop its service): it is the endpoint.")
    (port,) = free_ports(1)
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, host=LOOPBACK, port=port), encoding="utf-8")
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(config)], stderr=log)
    try:
        if (
            not wait_until(lambda: process.poll() is not None or accepts_connections(port), timeout_seconds=START_SECONDS)
            or process.poll() is not None
        ):
            raise RuntimeError(f"nginx did not start: {(folder / 'nginx.log').read_text()}")
        yield f"http://{LOOPBACK}:{port}/hooks"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


@contextmanager
def silent_endpoint() -> Iterator[str]:
    """A socket whose connections the system accepts and nobody reads; its URL."""
    with socket.create_server((LOOPBACK, 0), backlog=1024) as listening:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}/hooks"
