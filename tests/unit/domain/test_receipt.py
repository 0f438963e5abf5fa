"""Receipt tokens, against an HMAC that is written out here (RFC 2104)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfare.domain.receipt import Receipt, ReceiptSigner, read_receipt, sign_receipt

BLOCK = 64
_id = st.text("abcXYZ019-_", min_size=1, max_size=24)
_key = st.binary(min_size=1, max_size=100)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    padded = (key if len(key) <= BLOCK else hashlib.sha256(key).digest()).ljust(BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def mac_of(key: bytes, subject: str) -> str:
    return urlsafe_b64encode(hmac_sha256(key, subject.encode())[:16]).decode().rstrip("=")


@given(_key, _id, _id)
def test_receipt_names_message_and_device_and_proves_them(key: bytes, notification: str, device: str) -> None:
    subject = f"{notification}.{device}"
    assert sign_receipt(key, notification, device) == f"{subject}.{mac_of(key, subject)}"


@given(_key, _id)
def test_receipt_without_a_device_names_the_message_alone(key: bytes, notification: str) -> None:
    assert sign_receipt(key, notification, "") == f"{notification}.{mac_of(key, notification)}"


@pytest.mark.parametrize(
    ("key", "notification", "device"),
    [(b"other", "n1", "d1"), (b"key", "n2", "d1"), (b"key", "n1", "d2"), (b"key", "n1", "")],
)
def test_another_tenant_message_or_device_has_another_proof(key: bytes, notification: str, device: str) -> None:
    proof = sign_receipt(b"key", "n1", "d1").rsplit(".", 1)[1]
    assert sign_receipt(key, notification, device).rsplit(".", 1)[1] != proof


@given(_id, _id)
def test_receipt_needs_no_escape_in_json(notification: str, device: str) -> None:
    assert set(sign_receipt(b"key", notification, device)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@given(_key, _id, st.lists(st.just("") | _id, max_size=5))
def test_signer_of_a_notification_signs_each_of_its_devices_alike(key: bytes, notification: str, devices: list[str]) -> None:
    signer = ReceiptSigner(key, notification)
    subjects = [f"{notification}.{device}" if device else notification for device in devices]
    assert [signer.sign(device) for device in devices] == [f"{subject}.{mac_of(key, subject)}" for subject in subjects]


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_signer_takes_keys_of_every_length(length: int) -> None:
    key = bytes(range(length))
    assert ReceiptSigner(key, "n1").sign("d1") == sign_receipt(key, "n1", "d1") == f"n1.d1.{mac_of(key, 'n1.d1')}"


@given(_key, _id, st.just("") | _id)
def test_what_was_signed_is_read(key: bytes, notification: str, device: str) -> None:
    assert read_receipt(key, sign_receipt(key, notification, device)) == Receipt(notification, device or None)


GOOD = sign_receipt(b"key", "n", "d")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "n.d",
        "n.d.",
        GOOD[:-1],
        GOOD + "A",
        GOOD + ".",
        f"{GOOD}.{GOOD}",
        GOOD.replace("n.d.", "n.e."),
        GOOD.replace("n.d.", "m.d."),
        GOOD.replace("n.d.", "n."),
        GOOD.replace("n.d.", "../n.d."),
        GOOD.replace("n.d.", "n.d\u00e9."),
        sign_receipt(b"another tenant's", "n", "d"),
    ],
)
def test_nothing_else_is_read(token: str) -> None:
    assert read_receipt(b"key", token) is None


@given(st.text())
def test_any_text_is_answered(token: str) -> None:
    assert read_receipt(b"key", token) is None
