"""A server that is not the bottleneck: one nginx worker that answers every message with the same acceptance, over TLS and HTTP/2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.addresses import LOOPBACK, free_ports
from local.certificates import Certificates, write_certificates
from local.fcm.process import running_simulator
from local.readiness import accepts_connections, wait_until
from tests.bench.workload import NAME

START_SECONDS = 10.0
_CONFIG = """\
daemon off;
master_process off;
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    http2_max_concurrent_streams 128;
    tcp_nodelay on;
    default_type "application/json; charset=UTF-8";
    server {{
        listen {host}:{port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {private_key};
        location ~ ^/v1/projects/[^/]+/messages:send$ {{ return 200 "{answer}"; }}
    }}
}}
"""
_NO_NGINX = """\
nginx is not installed (Debian: apt-get install nginx-light, then stop its service): the FCM simulator answers instead, and is the bottleneck.
"""
# FCM's own spelling of an acceptance, escaped for nginx.
_ANSWER = f'{{\n  "name": "{NAME}"\n}}\n'.replace('"', '\\"').replace("\n", "\\n")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the messages go, whom to trust, the process that answers, and what to say of it in the report."""

    url: str
    ca: Path
    pid: int
    description: str


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Run nginx, or the FCM simulator where there is none; stopped at the end."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx:
        with _running_nginx(nginx, folder) as server:
            yield server
        return
    sys.stderr.write(_NO_NGINX)
    with running_simulator(folder) as simulator:
        yield Server(simulator.url, simulator.ca, simulator.process.pid, "the FCM simulator, **which is the bottleneck: messages/s say little**")


@contextmanager
def _running_nginx(nginx: str, folder: Path) -> Iterator[Server]:
    certificates = write_certificates(folder)
    (port,) = free_ports(1)
    config = _write_config(folder, certificates, port)
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(config)], stderr=log)
    try:
        if (
            not wait_until(lambda: process.poll() is not None or accepts_connections(port), timeout_seconds=START_SECONDS)
            or process.poll() is not None
        ):
            raise RuntimeError(f"nginx did not start: {(folder / 'nginx.log').read_text()}")
        yield Server(f"https://{LOOPBACK}:{port}", certificates.ca, process.pid, f"{_version(nginx)}, one process, a fixed answer")
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _write_config(folder: Path, certificates: Certificates, port: int) -> Path:
    config = folder / "nginx.conf"
    text = _CONFIG.format(
        folder=folder, host=LOOPBACK, port=port, certificate=certificates.certificate, private_key=certificates.private_key, answer=_ANSWER
    )
    config.write_text(text, encoding="utf-8")
    return config


def _version(nginx: str) -> str:
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().removeprefix("nginx version: ")
