import pytest

from tests.doctor.test_fault_drills import keep
from tests.staff.signed_in_staff import sign_in
from trustsvc import clock
from trustsvc.privacy import models, receipts
from trustsvc.storage import db


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


def signed(number):
    with db.transaction() as session:
        receipts.write(session, receipts.Receipt(clock.now(), "buyer_contact", number, clock.now()))


def test_the_desk_shows_the_figures_of_the_last_drill(desk):
    keep(seed=4711)

    page = desk.get("/desk/evidence").text

    assert "4711" in page
    assert "orders lost" in page
    assert "Every promise was kept." in page


def test_the_desk_shows_a_broken_promise(desk):
    keep(**{"second messages": 2})

    page = desk.get("/desk/evidence").text

    assert "A promise was broken." in page
    assert "Every promise was kept." not in page


def test_the_desk_says_that_a_drill_with_too_few_faults_shows_nothing(desk):
    keep(FLUSHALL=1)

    page = desk.get("/desk/evidence").text

    assert "this run shows nothing" in page
    assert "Every promise was kept." not in page


def test_the_desk_shows_receipts_and_whether_their_chain_holds(desk):
    signed(3)
    signed(77)

    page = desk.get("/desk/evidence").text

    assert page.index("<td>77</td>") < page.index("<td>3</td>")
    assert "The chain of receipts is intact." in page


def test_the_desk_says_when_a_receipt_was_changed(desk):
    signed(3)
    with db.transaction() as session:
        session.execute(models.receipts.update().values(number=2))

    assert "The chain of receipts is broken" in desk.get("/desk/evidence").text


def test_the_desk_says_how_to_get_evidence_where_there_is_none(desk):
    page = desk.get("/desk/evidence").text

    assert "make drill" in page
    assert "Nothing has been old enough" in page


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_every_language_has_its_words(desk, language):
    keep()
    signed(1)

    answer = desk.get("/desk/evidence", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
