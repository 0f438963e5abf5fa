from __future__ import annotations

import ssl
import stat
from pathlib import Path

from local.certificates import write_certificates


def test_certificates_are_reused_while_they_fit_together(tmp_path: Path) -> None:
    first = write_certificates(tmp_path / "tls")
    content = first.certificate.read_bytes()
    assert write_certificates(tmp_path / "tls") == first
    assert first.certificate.read_bytes() == content


def test_damaged_or_foreign_files_are_replaced(tmp_path: Path) -> None:
    files, other = write_certificates(tmp_path / "one"), write_certificates(tmp_path / "two")
    files.private_key.write_text("damaged")
    write_certificates(tmp_path / "one")
    files.ca.write_bytes(other.ca.read_bytes())
    foreign = files.ca.read_bytes()
    write_certificates(tmp_path / "one")
    assert files.ca.read_bytes() != foreign
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(files.certificate, files.private_key)


def test_private_key_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    files = write_certificates(tmp_path)
    assert stat.S_IMODE(files.private_key.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "server.key", "server.pem"]
