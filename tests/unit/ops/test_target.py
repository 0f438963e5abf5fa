from __future__ import annotations

from pathlib import Path

import pytest

from ops.target import Target, TargetError, find_target


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    (tmp_path / "prod").write_text("PROJECT=shop-prod\nREGION=europe-west3\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "target"),
    [
        ({"ENV": "prod"}, Target("shop-prod", "europe-west3")),
        ({"PROJECT": "other-project"}, Target("other-project", "us-central1")),
        ({"PROJECT": "other-project", "ENV": "prod"}, Target("other-project", "us-central1")),
        ({"PROJECT": "shop-prod", "ENV": "prod"}, Target("shop-prod", "europe-west3")),
        ({"ENV": "prod", "REGION": "us-east1"}, Target("shop-prod", "us-east1")),
    ],
)
def test_a_deployment_is_named_or_remembered(environment: dict[str, str], target: Target, remembered: Path) -> None:
    assert find_target(environment, remembered) == target


@pytest.mark.parametrize("environment", [{}, {"ENV": "dev"}, {"ENV": "../prod"}, {"ENV": "prod/"}, {"PROJECT": ""}])
def test_who_names_none_is_told_how(environment: dict[str, str], remembered: Path) -> None:
    with pytest.raises(TargetError, match="PROJECT=…, or ENV=…"):
        find_target(environment, remembered)
