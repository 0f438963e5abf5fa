"""The RS256 key of the OIDC tokens, made at start."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from local.cloud.wire import Document

_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local-cloud-oidc")])


class SigningKey:
    """An RSA key with its id, able to sign and to show its public half."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self._private.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha256(der).hexdigest()[:40]

    def sign(self, claims: Document) -> str:
        """Return the claims as a signed JWT."""
        return jwt.encode(claims, self._private, algorithm="RS256", headers={"kid": self.key_id})

    def jwk_set(self) -> Document:
        """Return the public key as a JWK set."""
        key = json.loads(RSAAlgorithm.to_jwk(self._private.public_key()))
        return {"keys": [{"kty": key["kty"], "n": key["n"], "e": key["e"], "kid": self.key_id, "alg": "RS256", "use": "sig"}]}

    def certificates(self) -> Document:
        """Return ``{kid: PEM certificate}``."""
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_NAME)
            .issuer_name(_NAME)
            .public_key(self._private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=365))
            .sign(self._private, hashes.SHA256())
        )
        return {self.key_id: certificate.public_bytes(serialization.Encoding.PEM).decode()}
