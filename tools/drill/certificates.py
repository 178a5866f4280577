"""Certificates for a mail server on loopback: a good one, and ones nobody should trust."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM
HERE = ipaddress.ip_address("127.0.0.1")


def _named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _made(key, issuer, issuer_key, *, address=HERE, age=DAY, is_ca=False):
    begins = datetime.now(UTC) - age
    ends = begins + 2 * DAY
    return (
        x509.CertificateBuilder()
        .subject_name(issuer if is_ca else _named("sink"))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def make(place):
    """Write an authority's file; gives its path, a good context, and the bad ones by fault."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _named("the tests' authority")
    (place / "ca.pem").write_bytes(_made(root_key, root, root_key, is_ca=True).public_bytes(PEM))
    (place / "key.pem").write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    other = ipaddress.ip_address("127.0.0.9")
    certificates = {
        "good": _made(key, root, root_key),
        "tls_self_signed": _made(key, _named("sink"), key),
        "tls_expired": _made(key, root, root_key, age=9 * DAY),
        "tls_other_name": _made(key, root, root_key, address=other),
    }
    contexts = {}
    for name, certificate in certificates.items():
        path = place / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(PEM))
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(path, place / "key.pem")
    return place / "ca.pem", contexts.pop("good"), contexts
