"""Sign a message's bytes (DKIM: RFC 6376, with Ed25519 by RFC 8463), or leave it to the relay.

Not dkimpy: it hashes with hashlib and computes RSA in Python, seven milliseconds a message instead
of a third of one. The tests verify every signature with dkimpy.
"""

import base64
import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from trustsvc.mail import dkim_keys
from trustsvc.mail.dkim_keys import DkimKey

# Signed where present; one-click unsubscription needs both of its fields (RFC 8058 4).
SIGNED = (
    "from",
    "to",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
# Named once more than present, so that nobody can add another one (RFC 6376 section 8.15).
OVERSIGNED = ("from", "to", "subject", "reply-to")
LINE = 72


def signed(data: bytes) -> bytes:
    """Prepend a signature of each key in use; unchanged when there is none.

    The same message and key give the same bytes (no moment is signed), at a retry too.
    Raises Misconfigured for a key that cannot be used.
    """
    keys = dkim_keys.in_use()
    if not keys:
        return data
    head, _, body = data.partition(b"\r\n\r\n")
    fields = [_relaxed(field) for field in re.split(rb"\r\n(?![ \t])", head)]
    body_hash = base64.b64encode(_sha256(_relaxed_body(body))).decode()
    domain = dkim_keys.domain()
    return b"".join([*(_signature(key, domain, fields, body_hash) for key in keys), data])


def _signature(key: DkimKey, domain: str, fields: list[bytes], body_hash: str) -> bytes:
    names, chosen = _chosen(fields)
    listed = ":\r\n\t ".join(":".join(names[at : at + 5]) for at in range(0, len(names), 5))
    start = (
        f"DKIM-Signature: v=1; a={key.kind}-sha256; c=relaxed/relaxed; d={domain};\r\n"
        f"\ts={key.selector};\r\n\th={listed};\r\n\tbh={body_hash};\r\n\tb="
    )
    message = b"\r\n".join([*chosen, _relaxed(start.encode())])
    if isinstance(key.private, RSAPrivateKey):
        made = key.private.sign(message, PKCS1v15(), hashes.SHA256())
    else:
        made = key.private.sign(_sha256(message))
    text = base64.b64encode(made).decode()
    lines = "\r\n\t ".join(text[at : at + LINE] for at in range(0, len(text), LINE))
    return f"{start}{lines}\r\n".encode()


def _chosen(fields: list[bytes]) -> tuple[list[str], list[bytes]]:
    """Give the names of `h=` and the fields they stand for; of several the last one comes first."""
    present: dict[str, list[bytes]] = {name: [] for name in (*SIGNED, *OVERSIGNED)}
    for field in fields:
        name = field.partition(b":")[0].decode("ascii", "replace")
        if name in present:
            present[name].append(field)
    names: list[str] = []
    chosen: list[bytes] = []
    for name, lines in present.items():
        chosen += reversed(lines)
        names += [name] * (len(lines) + (name in OVERSIGNED))
    return names, chosen


def _relaxed(field: bytes) -> bytes:
    """Make a header field canonical (RFC 6376 section 3.4.2), without its end of line."""
    name, _, value = field.partition(b":")
    unfolded = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.strip().lower() + b":" + unfolded.strip(b" ")


def _relaxed_body(body: bytes) -> bytes:
    """Make a body canonical (RFC 6376 section 3.4.4); one of empty lines only is empty."""
    plain = re.sub(rb" (?=\r\n)", b"", re.sub(rb"[ \t]+", b" ", body))
    while plain.endswith(b"\r\n"):
        plain = plain[:-2]
    return plain + b"\r\n" if plain else b""


def _sha256(text: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    return digest.finalize()
