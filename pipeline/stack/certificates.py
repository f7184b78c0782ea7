"""The certificate by which SeaweedFS's processes know each other, drawn once for a state folder.

SeaweedFS's master, volume server, filer, gateway and admin accept connections only from a client with a certificate of the same
authority. The authority signs one certificate, and its key is then dropped: nobody can issue another one. Neither expires,
because both end with the state folder.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.stack.base import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import CertificateBuilder

AUTHORITY, CERTIFICATE, KEY = "authority.crt", "server.crt", "server.key"

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
"""Long past, so that a clock that is set back does not make the certificate invalid."""

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: a certificate without an expiration date."""


def load_or_generate(folder: Path) -> dict[Path, str]:
    """Path and PEM text of the authority's certificate, the servers' certificate, and its key.

    Args:
        folder: where they are, or shall be written to with mode 0600; if one is missing, all three are generated.
    """
    paths = [folder / name for name in (AUTHORITY, CERTIFICATE, KEY)]
    try:
        return {path: path.read_text() for path in paths}
    except FileNotFoundError:
        return dict(zip(paths, _generate(), strict=True))


def _generate() -> tuple[str, str, str]:
    """PEM of the authority's certificate, of the servers' certificate, and of its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    curve, digest, pem = ec.SECP256R1(), hashes.SHA256(), serialization.Encoding.PEM
    authority_key, key = ec.generate_private_key(curve), ec.generate_private_key(curve)
    authority = (
        _builder("trainshed authority", authority_key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ).sign(authority_key, digest)
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder("trainshed s3", key)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    ).sign(authority_key, digest)
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(pem).decode(), certificate.public_bytes(pem).decode(), private.decode()


def _builder(subject: str, key: EllipticCurvePrivateKey) -> CertificateBuilder:
    """A certificate of our authority, without extensions."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("trainshed authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINNING)
        .not_valid_after(NEVER)
    )
