from datetime import timedelta

import pytest

from tests.privacy.rights import my_data_pages
from tests.reviews.sample_reviews import shop
from tests.staff.signed_in_staff import form_token, sign_in
from trustsvc import clock
from trustsvc.doctor import privacy_requests
from trustsvc.errors import Gone, Refused
from trustsvc.privacy import request_log
from trustsvc.privacy.retention import purge
from trustsvc.storage import db


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


def noted(days=0, kind="erase"):
    with db.transaction() as session:
        return request_log.record_open(session, kind, 0, clock.now() - timedelta(days=days))


def test_staff_note_a_request_and_say_that_it_was_answered(desk):
    made = shop()
    token = form_token(desk)

    desk.post("/desk/requests", data={"form_token": token, "kind": "copy", "shop": made.slug})
    page = desk.get("/desk/requests", headers={"Accept-Language": "en"}).text
    assert "day 0 of 30" in page
    desk.post("/desk/requests/1", data={"form_token": token, "do": "done"})

    assert my_data_pages.register() == [("copy", "done", "staff 1")]


def test_a_refusal_names_its_ground(desk):
    number = noted()
    token = form_token(desk)
    plain = desk.post(f"/desk/requests/{number}", data={"form_token": token, "do": "refuse"})
    form = {"form_token": token, "do": "refuse", "ground": "17_3_e"}
    desk.post(f"/desk/requests/{number}", data=form)

    assert plain.status_code == 400
    assert my_data_pages.register() == [("erase", "refused", "staff 1")]
    assert "Art. 17(3)(e)" in desk.get("/desk/requests", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(("days", "alarms"), [(0, False), (19, False), (20, True), (31, True)])
def test_the_clock_runs_from_day_0_and_alarms_from_day_20(desk, days, alarms):
    noted(days)

    page = desk.get("/desk/requests", headers={"Accept-Language": "en"}).text

    assert f"day {days} of 30" in page
    assert ("Answer this now." in page) == alarms


@pytest.mark.parametrize(
    ("days", "level"),
    [(None, "OK"), (0, "OK"), (19, "OK"), (20, "WARN"), (29, "WARN"), (30, "FAIL")],
)
def test_the_doctor_says_who_waits_too_long(installation, days, level):
    if days is not None:
        noted(days)

    with db.reading() as session:
        assert privacy_requests.waiting(session, clock.now()).level == level


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_every_language_has_its_words(desk, language):
    for kind in request_log.Right:
        noted(kind=kind)

    answer = desk.get("/desk/requests", headers={"Accept-Language": language})

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text


@pytest.mark.parametrize(
    "form", [{"kind": "nonsense"}, {"kind": "erase", "asked": "never"}, {"asked": "2999-01-01"}]
)
def test_nonsense_is_refused(desk, form):
    answer = desk.post(
        "/desk/requests", data={"form_token": form_token(desk), "kind": "see"} | form
    )

    assert answer.status_code == 400
    assert my_data_pages.register() == []


def test_a_request_is_settled_once(installation):
    number = noted()
    with db.transaction() as session:
        request_log.answer(session, number, "staff 1", clock.now())

    with pytest.raises(Gone), db.transaction() as session:
        request_log.answer(session, number, "staff 2", clock.now(), "17_3_a")
    with pytest.raises(Refused), db.transaction() as session:
        request_log.answer(session, number, "staff 2", clock.now(), "because")
    assert my_data_pages.register() == [("erase", "done", "staff 1")]


def test_the_register_is_kept_for_five_years_and_what_is_open_longer(installation):
    noted(days=3000)
    number = noted()
    with db.transaction() as session:
        request_log.answer(session, number, "staff 1", clock.now())

    purge.purge_due(clock.now() + timedelta(days=1824))
    before = my_data_pages.register()
    purge.purge_due(clock.now() + timedelta(days=1826))

    assert [state for _, state, _ in before] == ["open", "done"]
    assert [state for _, state, _ in my_data_pages.register()] == ["open"]
