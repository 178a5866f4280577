import base64
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update

from trustsvc.crypto import keyring
from trustsvc.privacy import models, receipts
from trustsvc.privacy.receipts import Receipt
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 11, 21, 10, 0, 0, 123_987, UTC)


def _write(number=1, what="event_log"):
    with db.transaction() as session:
        receipts.write(session, Receipt(AT, what, number, AT - timedelta(days=90)))


def _holds():
    with db.reading() as session:
        return receipts.verify(session)


def test_a_chain_of_receipts_holds_from_its_empty_beginning_on(installation):
    assert _holds()
    for number in range(1, 6):
        _write(number)
        assert _holds()

    with db.reading() as session:
        found = list(receipts.chain(session))
    assert [receipt.number for receipt, _, _ in found] == [1, 2, 3, 4, 5]
    assert [previous for _, previous, _ in found] == [b"", *(mine for _, _, mine in found[:-1])]


@pytest.mark.parametrize(
    "change",
    [
        {"number": 99},
        {"what": "decision_log"},
        {"at": AT + timedelta(milliseconds=1)},
        {"before": AT},
        {"previous": b"x"},
        {"signature": b"\x00" * 64},
        {"signature": b""},
    ],
)
def test_a_changed_receipt_breaks_the_chain(installation, change):
    for _ in range(3):
        _write()
    with db.transaction() as session:
        session.execute(update(models.receipts).where(models.receipts.c.id == 2).values(**change))

    assert not _holds()


@pytest.mark.parametrize("gone", [1, 2])
def test_a_receipt_that_was_left_out_breaks_the_chain(installation, gone):
    for _ in range(3):
        _write()
    with db.transaction() as session:
        session.execute(delete(models.receipts).where(models.receipts.c.id == gone))

    assert not _holds()


def test_a_receipt_signed_by_somebody_else_breaks_the_chain(installation):
    _write()
    with db.reading() as session:
        ((receipt, _, last),) = receipts.chain(session)
    forged = Ed25519PrivateKey.generate().sign(receipts.signed_text(receipt, last))
    with db.transaction() as session:
        session.execute(
            models.receipts.insert().values(
                at=receipt.at,
                what=receipt.what,
                number=receipt.number,
                before=receipt.before,
                previous=last,
                signature=forged,
            )
        )

    assert not _holds()


def test_what_is_signed_is_the_written_text_and_can_be_checked_without_us(installation):
    _write(12, "buyer_contact")
    with db.reading() as session:
        ((receipt, previous, signature),) = receipts.chain(session)

    text = (
        b"trustsvc receipt 1\nat 2026-11-21T10:00:00.123Z\nwhat buyer_contact\nnumber 12\n"
        b"before 2026-08-23T10:00:00.123Z\nprevious \n"
    )
    assert receipts.signed_text(receipt, previous) == text
    key = Ed25519PrivateKey.from_private_bytes(keyring.newest_key("receipt").secret)
    key.public_key().verify(signature, text)


def test_a_new_key_signs_on_and_older_receipts_stay_good(installation):
    _write()
    new = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    with (installation.data / "keys" / "receipt").open("a") as ring:
        ring.write(f"2 {new}\n")
    _write()

    assert len(keyring.keys("receipt")) == 2
    assert _holds()


def test_writers_at_once_make_one_chain(installation):
    problems = []

    def many():
        try:
            for _ in range(10):
                _write()
        except Exception as problem:  # noqa: BLE001 - whatever it is
            problems.append(problem)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert _holds()
    with db.reading() as session:
        assert len(list(receipts.chain(session))) == 40
