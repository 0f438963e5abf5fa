"""`python -m local.fcm`: runs the simulator until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from local.fcm.server import Listening, Ports, Simulator


def main(arguments: list[str]) -> int:
    """Run with these command-line arguments; the result is the exit status."""
    options = _parser().parse_args(arguments)
    listening = Listening(options.host, options.tls_port, options.http_port, options.certificate, options.private_key)
    try:
        asyncio.run(_serve(Simulator(listening, keep_messages=options.keep_messages), options.host, options.ready_file))
    except OSError as problem:
        print(f"The FCM simulator cannot start: {problem}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.fcm", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--tls-port", type=int, default=0, help="port for HTTP/2 and HTTP/1.1 over TLS; 0: any free one")
    parser.add_argument("--http-port", type=int, default=0, help="port for plain HTTP/1.1; 0: any free one")
    parser.add_argument("--certificate", type=Path, required=True, help="server certificate, PEM")
    parser.add_argument("--private-key", type=Path, required=True, help="its private key, PEM")
    parser.add_argument("--ready-file", type=Path, help="written with both ports as JSON once they listen")
    parser.add_argument("--keep-messages", type=int, default=100_000, help="how many accepted messages are kept in full")
    return parser


async def _serve(simulator: Simulator, host: str, ready_file: Path | None) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    ports = await simulator.start()
    if ready_file:
        _announce(ready_file, ports)
    print(f"FCM simulator: https://{host}:{ports.tls_port} (HTTP/2, HTTP/1.1), http://{host}:{ports.http_port}", flush=True)
    await ended.wait()
    await simulator.stop()


def _announce(ready_file: Path, ports: Ports) -> None:
    """Write the ports in one step: whoever sees the file sees all of it."""
    fresh = ready_file.with_name(f"{ready_file.name}.new")
    fresh.write_text(json.dumps(asdict(ports)))
    fresh.replace(ready_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
