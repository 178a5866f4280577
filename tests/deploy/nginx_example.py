"""The nginx examples on ports of this machine, with a certificate that signs itself."""

from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.deploy.nginx_server import NAME
from trustsvc import clock

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx" / "trustsvc.conf"
# What each is in front of.
BEHIND = {
    "trustsvc.conf": "http://127.0.0.1:8000",
    "cdn.conf": "https://origin.reviews.example.com",
}


def self_signed(folder):
    """Write a certificate of an RSA key: with it TLS 1.2 could do without forward secrecy."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def on_ports(folder, plain, secure, service, *more, example="trustsvc.conf"):
    """Give an example for these ports, the certificate in a folder and a service's URL."""
    servers = EXAMPLE.with_name(example).read_text()
    if example == "cdn.conf":
        more += (
            ("/var/cache/nginx/trustsvc", str(folder / "cache")),
            ("/etc/ssl/certs/ca-certificates.crt", str(folder / "fullchain.pem")),
        )
    for original, ours in (
        ("/etc/letsencrypt/live/reviews.example.com", str(folder)),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:80 default_server;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("    listen [::]:443 ssl http2 default_server;\n", ""),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        (BEHIND[example], service),
        *more,
    ):
        assert original in servers
        servers = servers.replace(original, ours)
    return servers
