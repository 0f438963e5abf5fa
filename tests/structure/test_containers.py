"""`Dockerfile` and `compose.yaml` run what `make run` runs, with every setting that it has and nothing that is somebody's own."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import Any

import yaml

from tests.structure.settings_source import settings_of_stack
from tests.structure.source import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def service() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["fanfare"]
    return found


def is_left_out(path: str) -> bool:
    """Tell whether a file does not enter the image, by the patterns that this project uses."""
    parts = path.split("/")
    above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    patterns = [line for line in IGNORED if line and not line.startswith("#")]
    return any(
        fnmatch.fnmatchcase(name.rpartition("/")[2] if pattern.startswith("**/") else name, pattern.removeprefix("**/"))
        for pattern in patterns
        for name in above
    )


def test_the_container_runs_what_make_run_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^run:.*\n\t@(.+)$", makefile, re.MULTILINE)
    assert recipe
    assert json.loads(DOCKERFILE.rpartition("\nCMD ")[2]) == recipe[1].replace("$(PYTHON)", ".venv/bin/python").split()


def test_the_container_is_set_up_as_make_sets_up() -> None:
    assert re.findall(r"sh (local/setup\.sh \w+)", DOCKERFILE) == ["local/setup.sh python", "local/setup.sh node"]
    copied = [word for line in re.findall(r"^COPY \S+ (.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
    assert {"requirements.txt", "package.json", "package-lock.json", "local/setup.sh", "."} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists() or is_left_out(name)] == []


def test_nobody_is_root_in_the_container() -> None:
    assert re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE) == ["1000"]


def test_compose_passes_every_setting_of_the_stack_on() -> None:
    """Those of `.env` come with the file; what would mean something else in a container is said again."""
    shown = service()
    assert shown["env_file"] == [{"path": ".env", "required": False}]
    assert set(shown["environment"]) <= set(settings_of_stack())
    files = {"GOOGLE_APPLICATION_CREDENTIALS", "FCM_CA_BUNDLE"}
    assert {name for name, value in shown["environment"].items() if "/run/fanfare/" in value} == files
    assert {
        name for name in files for mount in shown["volumes"] if mount.startswith(f"${{{name}:-/dev/null}}:/run/fanfare/") and mount.endswith(":ro")
    } == files


def test_what_is_stored_is_kept_in_a_volume() -> None:
    shown = service()
    assert shown["environment"]["KEEP"] == "${KEEP:-1}"
    assert "data:/fanfare/.local" in shown["volumes"]
    assert "VOLUME /fanfare/.local" in DOCKERFILE


def test_the_container_is_reached_from_this_machine_alone() -> None:
    assert service()["ports"] == ["127.0.0.1:${PORT:-8080}:${PORT:-8080}"]


def test_the_image_holds_no_credentials_and_no_settings() -> None:
    secret = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    names = [pattern.replace("*", "x") for pattern in secret]
    assert [name for name in names if not is_left_out(name)] == []
    assert [name for name in names if "." in name.strip(".") and not is_left_out(f"deep/{name}")] == []
    assert is_left_out(".env.prod")
    assert is_left_out(".git/config")
    assert not is_left_out("functions/main.py")
