from __future__ import annotations

import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from local.java import encode_manifest, find_sdk_jar, write_runnable_jar

JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=500))
def test_manifest_lines_fit_the_format_and_join_to_the_value(value: str) -> None:
    manifest = encode_manifest({"Manifest-Version": "1.0", "Class-Path": value})
    assert manifest.endswith(b"\r\n\r\n")
    assert max(len(line) + 2 for line in manifest.split(b"\r\n")) <= 72
    assert f"Class-Path: {value}".encode() in manifest.replace(b"\r\n ", b"")


def test_runnable_jar_leads_to_the_emulator_of_the_sdk(tmp_path: Path) -> None:
    jar = tmp_path / "a long name with blanks, so that the address must be quoted and the line continued" / "emulator.jar"
    with zipfile.ZipFile(write_runnable_jar(jar, tmp_path / "small.jar")) as archive:
        manifest = archive.read("META-INF/MANIFEST.MF").replace(b"\r\n ", b"").decode()
    assert "Main-Class: com.google.cloud.datastore.emulator.firestore.CloudFirestore\r\n" in manifest
    assert f"Class-Path: {jar.as_uri()}\r\n" in manifest


def make_sdk(root: Path) -> Path:
    jar = root / JAR
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"")
    return jar


def test_emulator_is_found_beside_the_gcloud_on_the_path(tmp_path: Path) -> None:
    jar = make_sdk(tmp_path / "sdk")
    gcloud = tmp_path / "sdk/bin/gcloud"
    gcloud.parent.mkdir()
    gcloud.touch(mode=0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gcloud").symlink_to(gcloud)
    assert find_sdk_jar({"PATH": str(tmp_path / "bin")}) == jar


def test_emulator_is_found_where_the_environment_names_the_sdk(tmp_path: Path) -> None:
    jar = make_sdk(tmp_path / "sdk")
    assert find_sdk_jar({"PATH": str(tmp_path), "CLOUDSDK_ROOT_DIR": str(tmp_path / "sdk")}) == jar
