"""Whatever changes what is public enqueues the job, and the files follow: not the clock alone."""

import gzip

import brotli
import pytest

from jobs.publish_reviews import publish_reviews
from jobs.refresh_badges import refresh_badges
from jobs.schedule import SCHEDULE
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.badge import public_files
from trustsvc.privacy.rights import restriction
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.reviews import correct, moderate, publish, submit, withdraw
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.shops import directory, domain_proof, settings
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.slow

JOBS = {"publish_reviews": publish_reviews, "refresh_badges": refresh_badges}
UNPACK = {".br": brotli.decompress, ".gz": gzip.decompress}
AUTHOR, WORDS = f"Jan J., {my_data_pages.CITY}", my_data_pages.TEXT


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def public_text():
    """Read all the public files as text, compressed ones too."""
    found = {path for path in public_files.folder().rglob("*") if path.is_file()}
    texts = [
        UNPACK.get(path.suffix, bytes)(path.read_bytes()) for path in found if path.suffix != ".png"
    ]
    return b"\n".join(texts).decode()


def follow(deed, *given):
    """Do something in a transaction, and then what its jobs ask for and no more."""
    enqueued = []
    with job_queue.capture(enqueued.append):
        with db.transaction() as session:
            deed(session, *given)
        while enqueued:
            JOBS.get(enqueued.pop(0), lambda: None)()


@pytest.fixture
def shown(installation):
    """A shop with one published review, in files already; gives the order's id."""
    order_id = my_data_pages.reviewed(sample_orders.shop())
    refresh_badges()
    assert (AUTHOR in public_text(), WORDS in public_text(), "5.0 out of 5" in public_text()) == (
        True,
        True,
        True,
    )
    return order_id


def _shop():
    with db.reading() as session:
        return directory.all_shops(session)[0]


def _nothing_left():
    text = public_text()
    assert [
        word for word in ("Jan J.", my_data_pages.CITY, WORDS, "5.0 out of 5") if word in text
    ] == []
    assert "No reviews yet" in text


def test_an_approval_is_followed(installation):
    my_data_pages.reviewed(sample_orders.shop(), published=False)
    refresh_badges()
    assert WORDS not in public_text()

    follow(moderate.approve, my_data_pages.review().public_id, "staff 1", NOON)

    assert (AUTHOR in public_text(), WORDS in public_text()) == (True, True)


def test_a_withdrawal_is_followed(shown):
    follow(withdraw.withdraw, my_data_pages.review().public_id, NOON)

    _nothing_left()


def test_a_correction_is_followed(shown):
    better = ReviewInput(4, "Snel", "Toch krassen.", "Jan J.", my_data_pages.CITY, consent=True)

    follow(correct.correct, my_data_pages.review().public_id, better, NOON)

    _nothing_left()
    assert "Toch krassen." not in public_text()  # nobody has decided on it yet


def test_a_restriction_and_its_end_are_followed(shown):
    follow(restriction.restrict, my_data_pages.person(shown), NOON)
    _nothing_left()

    follow(restriction.lift, my_data_pages.person(shown), NOON)

    assert (AUTHOR in public_text(), WORDS in public_text()) == (True, True)


def test_an_erasure_is_followed(shown):
    follow(erase, my_data_pages.person(shown), ErasureOptions(), NOON)

    _nothing_left()


def test_an_erasure_that_leaves_the_review_without_its_author_is_followed(shown):
    follow(erase, my_data_pages.person(shown), ErasureOptions(anonymous=True), NOON)

    text = public_text()
    assert (WORDS in text, "Name removed on request" in text) == (True, True)
    assert [word for word in ("Jan J.", my_data_pages.CITY) if word in text] == []


def test_an_erasure_everywhere_is_followed(shown):
    follow(erase, my_data_pages.person(shown), ErasureOptions(everywhere=True, child=True), NOON)

    _nothing_left()


def test_a_line_swept_away_is_followed(shown):
    with db.transaction() as session:
        session.execute(reviews.update().values(state="rejected", reason="spam"))

    follow(publish.take_down_unpublishable, NOON)

    _nothing_left()


def test_what_a_restored_backup_must_forget_is_followed(shown):
    follow(withdraw.clear_content, [my_data_pages.review().id], NOON)

    _nothing_left()


def test_another_name_and_another_language_are_followed(shown):
    follow(
        settings.change_settings,
        _shop().slug,
        settings.SettingsChange(name="Ander & Zoon", language="nl"),
        NOON,
    )

    assert (
        "Beoordelingen van Ander &amp; Zoon" in public_text(),
        "5,0 van 5" in public_text(),
    ) == (True, True)
    assert "Bakfiets &amp; Co" not in public_text()


def test_a_proof_and_another_domain_are_followed(shown):
    follow(domain_proof.record_proof, _shop(), NOON)
    assert '"seal":true' in public_text()

    follow(
        settings.change_settings,
        _shop().slug,
        settings.SettingsChange(domain="other.example"),
        NOON,
    )

    assert '"seal":true' not in public_text()


def test_a_review_that_only_the_shop_may_read_reaches_no_file(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    review = ReviewInput(1, "Nee", "Alleen voor de winkel.", "Jan J.", "Delft", consent=False)
    with db.transaction() as session:
        public_id = submit.submit(session, my_data_pages.link(order_id), review, NOON)

    follow(moderate.approve, public_id, "staff 1", NOON)

    assert ("winkel." in public_text(), "Jan J." in public_text()) == (False, False)


def test_without_a_single_enqueued_job_the_scheduler_is_within_a_minute():
    every = {tick.job: tick.every_s for tick in SCHEDULE}

    assert every["publish_reviews"] + every["refresh_badges"] < 60
