"""The rows of a small installation, in the shape of each schema that was released.

How ids, pseudonyms and encrypted columns are made is written here again, with keys that never
change, so that rows of an old schema stay as its code wrote them.
"""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Value = str | int | bytes | bool | None
Rows = dict[str, list[dict[str, Value]]]

NOON = datetime(2026, 6, 10, 10, tzinfo=UTC)  # a Wednesday, 12:00 in Amsterdam
AT = int(NOON.timestamp()) * 1000
DAY = 24 * 3600 * 1000
KEYS = {
    kind: f"{kind} key of the schema dumps".encode().ljust(32, b".")
    for kind in ("registry", "lookup", "link", "desk", "vault", "receipt", "badge")
}
IDS = {
    name: name.encode().rjust(16, b".")
    for name in ("ann", "bob", "fay", "leave", "register", "my data", "message")
}
ENDPOINT, MAIL_ENDPOINT = "0123456789abcdef" * 2, "fedcba9876543210" * 2
SECRET = "whsec_" + base64.b64encode(b"webhook key of the dumps").decode()
WORDS = "Fiets kwam heel aan."


def write_keys(folder: Path) -> None:
    """Put the keys of the rows into a key folder, in place of its own."""
    for kind, secret in KEYS.items():
        path = folder / kind
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(f"1 {base64.b64encode(secret).decode()} {NOON.isoformat()}\n")


def _mac(key: bytes, text: bytes) -> bytes:
    mac = HMAC(key, hashes.SHA256())
    mac.update(text)
    return mac.finalize()


def _derived(kind: str, length: int, info: str) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=info.encode()).derive(KEYS[kind])


def sealed(text: str) -> bytes:
    """Encrypt as Fernet does, with one moment and an IV made of the text: the same each time."""
    key, iv = KEYS["vault"], _mac(b"iv", text.encode())[:16]
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key[16:]), modes.CBC(iv)).encryptor()
    head = b"\x80" + (AT // 1000).to_bytes(8, "big") + iv
    signed = head + encryptor.update(padded) + encryptor.finalize()
    return base64.urlsafe_b64encode(signed + _mac(key[:16], signed))


def of_shop(text: str, shop: int = 1) -> bytes:
    """Give a shop's pseudonym of an address, or of `text:` and another text; shop 0 is every."""
    return b"\1\1" + _mac(_derived("lookup", 32, f"trustsvc shop {shop}"), text.encode())[:16]


def of_registry(address: str) -> bytes:
    return b"\1\1" + _mac(KEYS["registry"], address.encode())[:16]


def encrypted_id(plain: bytes) -> bytes:
    return b"\1" + AESSIV(_derived("vault", 64, "trustsvc encrypted id")).encrypt(plain, None)


def id_hash(plain: bytes) -> bytes:
    return _mac(KEYS["link"], f"id:{plain.hex()}".encode())


def rows(revision: str) -> Rows:
    """Give all rows in the shape of a revision, each table after those it refers to."""
    made = {**_of_shop_and_people(), **_of_orders(), **_of_reviews()}
    for number, change in _CHANGES.items():
        if number <= revision:
            change(made)
    return made


def _of_shop_and_people() -> Rows:
    secrets: dict[str, Value] = {"api_key": sealed("ck_key"), "api_secret": sealed("cs_secret")}
    return {
        "shops": [
            {
                "slug": "velo-fils", "name": "Vélo & Fils", "domain": "shop.example",
                "platform": "standard", "endpoint_id": ENDPOINT, "secret": sealed(SECRET),
                "may_ask": "customers", "wording": "We ask you once.", "wording_at": AT,
                "delay": 0, "delay_unit": "minutes", "moment": "created", "reminder_days": 3,
                "cap_days": 30, "max_age_days": 60, "skip": "draft,pos,test-gateway",
                "fallback": "skip", "fallback_days": 30, "language": "en",
                "zone": "Europe/Amsterdam", "created_at": AT,
            }
        ],
        "staff": [{"name": sealed("Kimberley Marker"), "created_at": AT}],
        "api_connections": [
            {
                "shop_id": 1, "base_url": "https://shop.example", **secrets, "connected_at": AT,
                "seen_until": AT, "due_at": AT + DAY, "attempts": 0, "webhook_status": "unknown",
            }
        ],
        "mail_endpoints": [
            {
                "endpoint_id": MAIL_ENDPOINT, "provider": "postmark",
                "secret": sealed("mail secret"), "made_at": AT,
            }
        ],
        "registered_buyers": [
            {
                "pseudonym": of_registry("gus@mail.example"), "at": AT, "consent_version": "v1",
                "source": "page", "link": IDS["leave"],
            }
        ],
        "pending_registrations": [
            {
                "link": IDS["register"], "address": sealed("hal@mail.example"),
                "address_pseudonym": of_shop("hal@mail.example", 0), "shop_id": 1,
                "consent_version": "registration-1", "language": "nl", "source": "page",
                "requested_at": AT,
            }
        ],
        "my_data_links": [
            {
                "link": IDS["my data"], "pseudonym": of_shop("bob@mail.example", 0),
                "address": sealed("bob@mail.example"), "language": "nl", "at": AT,
            }
        ],
        "opt_outs": [
            {"pseudonym": of_registry("ivy@mail.example"), "shop_id": 0, "at": AT, "reason": "stop"}
        ],
        "privacy_requests": [
            {
                "kind": kind, "shop_id": 1, "address": sealed(f"{name}@mail.example"),
                "language": "nl", "requested_at": AT, "due_at": due_at, "attempts": 0,
            }
            for kind, name, due_at in (("my_data", "bob", AT), ("object", "kit", AT + DAY))
        ],
        "transactional_messages": [
            {
                "template": "register", "language": "nl", "shop_id": 1,
                "address": sealed("hal@mail.example"),
                "facts": sealed(json.dumps({"link": "https://reviews.example/x"})),
                "recipient_pseudonym": of_shop("hal@mail.example", 0), "created_at": AT,
            }
        ],
    }  # fmt: skip


def _order(buyer: str, state: str, **more: Value) -> dict[str, Value]:
    address = f"{buyer}@mail.example"
    return {
        "shop_id": 1, "identity": of_shop(f"text:#{buyer}"), "reference": sealed(f"#{buyer}"),
        "email": sealed(address), "name": sealed(buyer.title()), "buyer": of_shop(address),
        "locale": "nl-NL", "state": state, "standing": "open", "created_at": AT,
        "date_unreadable": False, "details_at": AT, "contact_at": AT, "accepts_buyer": True,
        "received_at": AT, **more,
    }  # fmt: skip


GONE: dict[str, Value] = {"reference": None, "email": None, "name": None, "accepts_buyer": False}


def _of_orders() -> Rows:
    """Ann wrote a review, Bob was asked and reminded, Fay asked, Eve not yet, Cas's just came."""
    log = [
        (1, "accept", "new", "received"),
        (1, "accept", "standing", "recorded"),
        (2, "accept", "new", "received"),
        (3, "accept", "new", "received"),
        (4, "accept", "new", "received"),
        (5, "accept", "new", "received"),
    ]
    asked = [(1, "ann", "redeemed"), (2, "bob", "open"), (3, "fay", "open"), (4, "eve", "open")]
    ids = {**IDS, "eve": b"eve".rjust(16, b".")}
    sent = [(1, "invitation"), (2, "invitation"), (2, "reminder"), (3, "invitation")]
    return {
        "orders": [
            _order("ann", "settled", **GONE),
            _order("bob", "settled"),
            _order("fay", "settled"),
            _order("eve", "settled"),
            _order("cas", "received"),
        ],
        "decision_log": [
            {"order_id": order, "step": step, "rule": rule, "outcome": outcome, "at": AT}
            for order, step, rule, outcome in log
        ],
        "invitations": [
            {
                "shop_id": 1, "order_id": order, "link": ids[name], "state": state,
                "basis": "customers 2026-06-10", "language": "nl", "zone": "Europe/Amsterdam",
                "experienced_at": AT, "unanswered": 1, "created_at": AT,
                "expires_at": AT + 90 * DAY,
            }
            for order, name, state in asked
        ],
        "messages": [
            *(_message(subject, kind, "sent", attempts=1, sent_at=AT) for subject, kind in sent),
            _message(4, "invitation", "due"),
            _message(1, "transactional", "due", priority=0),
        ],
    }  # fmt: skip


def _message(
    subject: int, kind: str, state: str, attempts: int = 0, **more: Value
) -> dict[str, Value]:
    return {
        "kind": kind, "subject_id": subject, "shop_id": 1, "priority": 5,
        "token": f"{kind} {subject}".encode().rjust(16, b"."), "state": state, "due_at": AT,
        "attempts": attempts, **more,
    }  # fmt: skip


def _of_reviews() -> Rows:
    return {
        "reviews": [
            {
                "public_id": "508a123aafce9572", "shop_id": 1, "invitation_id": 1,
                "state": "published", "stars": 5, "title": sealed("Snel"), "text": sealed(WORDS),
                "name": sealed("Ann A."), "city": sealed("Delft"),
                "email": sealed("ann@mail.example"), "reference": sealed("#ann"),
                "buyer_pseudonym": of_shop("ann@mail.example"), "language": "nl", "consent": True,
                "consent_wording": "1", "experienced_at": AT, "submitted_at": AT,
                "decided_at": AT, "decided_by": "staff 1",
            }
        ],
        "publications": [
            {
                "review_id": 1, "shop_id": 1, "stars": 5, "title": "Snel", "text": WORDS,
                "name": "Ann A.", "city": "Delft", "language": "nl", "verified": True,
                "experienced_at": AT, "published_at": AT,
            }
        ],
        "replies": [
            {
                "review_id": 1, "text": "Dank u wel.", "language": "nl", "replied_at": AT,
                "replied_by": "staff 1",
            }
        ],
    }  # fmt: skip


def _renamed(row: dict[str, Value], old: str, new: str, value: Value) -> None:
    row.pop(old)
    row[new] = value


def _platform_status(made: Rows) -> None:
    for row in made["orders"]:
        _renamed(row, "standing", "platform_status", row["standing"])
    for row in made["decision_log"]:
        row["rule"] = "platform_status" if row["rule"] == "standing" else row["rule"]


def _networks_and_mailboxes(made: Rows) -> None:
    made["transactional_messages"][0]["mailbox"] = of_shop("text:mailbox hal@mail.example", 0)
    for row in made["privacy_requests"]:
        row["network"] = of_shop("text:network 192.0.2.0/24", 0)


def _form_objections(made: Rows) -> None:
    made["form_objections"] = [
        {
            "pseudonym": of_registry("ivy@mail.example"), "shop_id": 0,
            "network": of_shop("text:network 192.0.2.0/24", 0),
            "shown_network": sealed("192.0.2.0/24"), "at": AT,
        }
    ]  # fmt: skip


def _ids_at_rest(made: Rows) -> None:
    for row in made["invitations"] + made["registered_buyers"]:
        row["link"] = encrypted_id(_bytes(row["link"]))
    stored = base64.urlsafe_b64encode(encrypted_id(ENDPOINT.encode())).decode()
    made["shops"][0]["endpoint_id"] = stored
    for row in made["pending_registrations"] + made["my_data_links"]:
        _renamed(row, "link", "link_hash", id_hash(_bytes(row["link"])))
    endpoint = made["mail_endpoints"][0]
    _renamed(endpoint, "endpoint_id", "endpoint_hash", id_hash(MAIL_ENDPOINT.encode()).hex())
    endpoint["beginning"] = MAIL_ENDPOINT[:6]


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


def _followed_up(made: Rows) -> None:
    for row in made["messages"]:
        row["followed_up"] = row["subject_id"] == 2  # Bob's invitation, and its reminder


def _star_counts(made: Rows) -> None:
    made["star_counts"] = [{"shop_id": 1, "stars": 5, "number": 1}]


def _objections_of_buyers(made: Rows) -> None:
    made["form_objections"][0]["is_buyer"] = False


def _unproven_mail(made: Rows) -> None:
    made["privacy_requests"][1]["waits_for"] = "look"
    made["privacy_requests"][0]["waits_for"] = None


# What each migration changed in rows of before.
_CHANGES = {
    "0002": _platform_status,
    "0004": _networks_and_mailboxes,
    "0005": _form_objections,
    "0006": _ids_at_rest,
    "0008": _followed_up,
    "0009": _star_counts,
    "0010": _objections_of_buyers,
    "0011": _unproven_mail,
}
