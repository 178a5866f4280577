"""The certificates Amazon SNS signs with: fetched once, from Amazon and from nowhere else.

X.509 is 2 MB that each process would share: only a message of SNS imports it.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from trustsvc.errors import Unauthorised, Unavailable
from trustsvc.http import client

if TYPE_CHECKING:
    from cryptography import x509

MOST = 32
LEAST_BITS = 2048
# The host whole and nothing beside it: s3.amazonaws.com would be anybody's (novu PR 11056), and so
# would sns.eu-west-1.amazonaws.com.example.
_HOST = re.compile(r"sns\.([a-z]{2}(?:-[a-z]{2,12}){1,3}-\d{1,2})\.amazonaws\.com(\.cn)?")
_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")

FetchCertificate = Callable[[str], bytes]
_known: dict[str, "x509.Certificate"] = {}


def region_of(url: str) -> str:
    """Give the region of an https address of SNS; empty for any other, however much like it."""
    try:
        parts = urlsplit(url)
        match = _HOST.fullmatch(parts.netloc)
    except ValueError:
        return ""
    plain = url.isascii() and url.isprintable() and "\\" not in url
    return match[1] if match and parts.scheme == "https" and plain else ""


def find(
    url: str, region: str, now: datetime, fetch: FetchCertificate = client.get
) -> RSAPublicKey:
    """Give the key behind a SigningCertURL of this region, fetching it where it is not known yet.

    Its chain cannot be checked, because SNS sends no certificate in between; that it is Amazon's
    is what TLS to the pinned host says. Name, validity and strength are looked at. Raises
    Unauthorised without a connection for any other address, Unavailable where Amazon does not
    answer.
    """
    parts = urlsplit(url) if region_of(url) == region else None
    if parts is None or not _PATH.fullmatch(parts.path) or parts.query or parts.fragment:
        raise Unauthorised
    certificate = _known.get(url)
    if certificate is None:
        try:
            text = fetch(url)
        except client.Unreachable:
            raise Unavailable from None
        certificate = _read(text)
    key = certificate.public_key()
    good = (
        certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        and _names(certificate) & {"sns.amazonaws.com", parts.netloc}
        and isinstance(key, RSAPublicKey)
        and key.key_size >= LEAST_BITS
    )
    if not good or not isinstance(key, RSAPublicKey):
        _known.pop(url, None)
        raise Unauthorised
    if len(_known) >= MOST:
        _known.clear()
    _known[url] = certificate
    return key


def _read(text: bytes) -> "x509.Certificate":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(text)
    except ValueError:
        raise Unauthorised from None


def _names(certificate: "x509.Certificate") -> set[str]:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    names = {
        str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    }
    try:
        more = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return names
    return names | set(more.value.get_values_for_type(x509.DNSName))
