"""Google's own command, called with whoever is logged in."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from ops.target import Target, TargetError

SECONDS = 120


def ask_gcloud(target: Target, *arguments: str) -> Any:  # noqa: ANN401 - what gcloud answers has no one form
    """Return what a gcloud command answers as JSON; raises TargetError with gcloud's own word."""
    if not shutil.which("gcloud"):
        raise TargetError("gcloud is needed, and it is not on the PATH: cloud.google.com/sdk/docs/install")
    command = ["gcloud", *arguments, f"--project={target.project}", "--format=json", "--quiet"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise TargetError(f"gcloud {arguments[0]} did not end within {SECONDS} seconds.") from None
    if done.returncode:
        raise TargetError(done.stderr.strip()[-1000:] or f"gcloud {arguments[0]} ended with status {done.returncode}.")
    return json.loads(done.stdout or "null")
