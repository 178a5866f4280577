"""`make dictionary` with fewer others: the mistakes it must find need none."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import func, insert, select, text

from tests import all_tables
from tests.invitations.sample_orders import NOON, quiet, shop
from tools.canary import crowd, dictionary
from trustsvc.crypto import pseudonyms
from trustsvc.orders.models import webhook_deliveries
from trustsvc.privacy.models import request_log
from trustsvc.registry.models import opt_outs
from trustsvc.storage import columns, db

pytestmark = pytest.mark.both_databases

JAN = " Jan.Jansen+x@Mail.Example "
NORMAL = b"jan.jansen+x@mail.example"
# What says nothing of a person at a shop, or what nobody in the crowd did.
MAY_BE_EMPTY = {
    "clock_states",
    "disclosure_log",
    "heartbeats",
    "key_checks",
    "domain_throttles",
    "mail_endpoints",
    "api_connections",
    "webhook_counts",
    "webhook_health",
    "mail_reports",
    "circuit_breakers",
    "relay_rates",
    "notice_versions",
    "replies",
    "security_entries",
    "send_suspensions",
    "volume_guards",
    "staff",
    "staff_links",
    "staff_sessions",
    "consent_texts",
}


def _empty():
    all_tables.load()
    with db.reading() as session:
        return {
            table.name
            for table in columns.metadata.sorted_tables
            if not session.scalar(select(func.count()).select_from(table))
        }


@pytest.mark.proof
@pytest.mark.slow
def test_a_dump_without_its_keys_gives_nobody_away_and_plain_hashes_give_everybody(installation):
    everybody = crowd.addresses(dictionary.PEOPLE)
    crowd.bring_into_states(everybody)

    found, plain = dictionary.run(everybody, 50_000 if db.is_sqlite() else 5000)

    assert _empty() <= MAY_BE_EMPTY
    assert (found, plain) == (set(), set(everybody))


def _derived(secret, info):
    return HKDF(hashes.SHA256(), 32, salt=None, info=info).derive(secret)


def _mac(secret, content=NORMAL):
    return hmac.digest(secret, content, "sha256")


def _stored_endpoint(at_shop):
    with db.reading() as session:
        return session.scalar(text(f"SELECT endpoint_id FROM shops WHERE id = {at_shop.id}"))


MISTAKES = {
    "unkeyed": lambda _: hashlib.sha256(NORMAL).digest(),
    "unkeyed and cut": lambda _: b"\1\1" + hashlib.sha256(NORMAL).digest()[:16],
    "of the address as written": lambda _: hashlib.sha256(JAN.strip().encode()).digest(),
    "old": lambda _: hashlib.md5(NORMAL).digest(),
    "an empty key": lambda _: b"\1\1" + _mac(b"")[:16],
    "a key of zeros": lambda _: b"\1\1" + _mac(bytes(32))[:16],
    "a key with our name": lambda _: _mac(b"trustsvc"),
    "the number of the shop": lambda at: _mac(str(at.id).encode()),
    "its public name": lambda at: _mac(at.slug.encode()),
    "the door in the same dump": lambda at: _mac(_stored_endpoint(at).encode())[:16],
    "derived from nothing": lambda at: _mac(_derived(b"", f"trustsvc shop {at.id}".encode()))[:16],
    "in clear": lambda _: b"to:" + NORMAL,
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_column_hashed_without_our_key_is_enough_to_be_found(installation, mistake):
    at_shop = shop()
    mark = MISTAKES[mistake](at_shop)
    with db.transaction() as session:
        session.execute(
            insert(webhook_deliveries).values(
                shop_id=at_shop.id, delivery_hash=mark, body_hash=b"", at=NOON
            )
        )

    found, _ = dictionary.run([JAN, "piet@mail.example"], 10)

    assert found == {JAN}


@pytest.mark.parametrize(
    "write", [bytes.hex, lambda raw: "v1:" + base64.urlsafe_b64encode(raw).decode()]
)
def test_a_hash_written_as_text_is_found(installation, write):
    by = write(hashlib.sha1(NORMAL).digest())
    with db.transaction() as session:
        row = {"kind": "see", "shop_id": 0, "state": "open", "by": by, "asked_at": NOON}
        session.execute(insert(request_log).values(**row))

    found, _ = dictionary.run([JAN, "piet@mail.example"], 10)

    assert found == {JAN}


def test_our_own_pseudonym_is_not_found_and_would_be_with_the_key_folder(installation):
    pseudonym = pseudonyms.registry_pseudonym(JAN)
    with quiet(), db.transaction() as session:
        session.execute(
            insert(opt_outs).values(pseudonym=pseudonym, shop_id=0, at=NOON, reason="objection")
        )
    dumped = dictionary.Dump(dictionary.dump())
    stolen = dictionary.keyring.newest_key("registry").secret

    assert dictionary.attack(dumped, [JAN], secrets=dictionary.guesses()) == set()
    assert dictionary.attack(dumped, [JAN], secrets=[stolen]) == {JAN}
