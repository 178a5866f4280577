import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from tests.reviews.sample_reviews import order, review, shop
from tests.staff.signed_in_staff import form_token, sign_in
from trustsvc import clock
from trustsvc.orders import decision_log
from trustsvc.reviews import lookup, moderate, publish, reply, withdraw
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import REASONS
from trustsvc.shops import enrol
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e{{7*7777777777}}"


@pytest.fixture
def desk(client):
    sign_in(client)
    return client


def _state(public_id):
    with db.reading() as session:
        return lookup.find_review(session, public_id)


def _decide(desk, public_id, **form):
    plain = {"form_token": form_token(desk), "version": _state(public_id).version}
    return desk.post(
        f"/desk/reviews/{public_id}", data=plain | form, headers={"Accept": "text/html"}
    )


def test_nothing_under_desk_opens_without_a_session(app, client):
    waiting = review(shop())
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/desk")]
    opened = []
    for rule in rules:
        if rule.endpoint in {"staff.how", "staff.ask", "staff.let_in"}:
            continue
        path = re.sub(r"<[^>]+>", waiting, rule.rule)
        for method in rule.methods:
            answer = client.open(path, method=method)
            if (answer.status_code, answer.headers.get("Location")) != (303, "/desk/enter"):
                opened.append((method, path, answer.status_code))

    assert len(rules) >= 7
    assert opened == []
    assert _state(waiting).state == "pending"


def test_a_waiting_review_is_shown_with_its_stars_after_its_words(desk):
    review(shop())

    page = desk.get("/desk/").text

    places = [page.index(text) for text in ("Snel", "Fiets kwam heel aan.", "Ada L.", "4 of 5")]
    assert places == sorted(places)
    assert "Delft" in page
    assert "never by the number of stars" in page
    assert "buyer@mail.example" not in page


def test_approving_settles_the_review_and_enqueues_its_publication(desk):
    waiting = review(shop())
    enqueued = []

    with job_queue.capture(enqueued.append):
        answer = _decide(desk, waiting, do="approve")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/")
    assert _state(waiting).state == "approved"
    assert "publish_reviews" in enqueued
    with db.reading() as session:
        assert session.scalars(select(reviews.c.decided_by)).all() == ["staff 1"]


@pytest.mark.parametrize("reason", REASONS)
def test_rejecting_takes_a_reason_of_the_list(desk, reason):
    waiting = review(shop())

    assert _decide(desk, waiting, do="reject", reason=reason).status_code == 303

    assert (_state(waiting).state, _state(waiting).reason) == ("rejected", reason)
    assert desk.get("/desk/").status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"do": "reject", "reason": "two stars"},
        {"do": "reject", "reason": ""},
        {"do": "reject"},
        {"do": "delete"},
        {},
        {"do": HOSTILE, "reason": HOSTILE},
    ],
)
def test_a_decision_we_do_not_know_is_refused_with_a_page(desk, form):
    waiting = review(shop())

    answer = _decide(desk, waiting, **form)

    assert answer.status_code == 400
    assert answer.mimetype == "text/html"
    assert "<script>alert" not in answer.text
    assert _state(waiting).state == "pending"


def test_a_form_of_another_session_is_refused(desk, app):
    waiting = review(shop())
    stranger = app.test_client()
    sign_in(stranger, "Robin")

    for token in ("", "x", "é", form_token(stranger)):
        answer = _decide(desk, waiting, do="approve", form_token=token)
        assert answer.status_code == 400

    assert desk.post(f"/desk/reviews/{waiting}", data={"do": "approve"}).status_code == 400
    assert desk.post("/desk/leave").status_code == 400
    assert _state(waiting).state == "pending"


def test_of_two_decisions_the_second_changes_nothing_and_says_so(desk):
    waiting = review(shop())
    _decide(desk, waiting, do="approve")

    answer = _decide(desk, waiting, do="reject", reason="spam")

    assert answer.headers["Location"] == "/desk/?late=1"
    assert "Nothing was changed" in desk.get("/desk/?late=1").text
    assert _state(waiting).state == "approved"


def test_a_decision_about_words_that_changed_meanwhile_is_not_taken(desk):
    waiting = review(shop())
    seen = _state(waiting).version
    with db.transaction() as session:
        session.execute(update(reviews).values(edited_at=clock.now()))

    answer = _decide(desk, waiting, do="approve", version=seen)

    assert answer.headers["Location"] == "/desk/?late=1"
    assert _state(waiting).state == "pending"


@pytest.mark.parametrize("public_id", ["nonsense", "0123456789abcdef", "999", "%00", "ÿ"])
def test_a_review_that_is_not_there_is_nothing_here(desk, public_id):
    answer = desk.post(
        f"/desk/reviews/{public_id}",
        data={"form_token": form_token(desk), "version": "1", "do": "approve"},
    )

    assert answer.status_code == 404


def test_hostile_names_and_words_are_inert(client):
    sign_in(client, HOSTILE)
    where = shop(HOSTILE)
    review(where, title=HOSTILE, text=HOSTILE, name=HOSTILE, city=HOSTILE)
    order(where, reference=HOSTILE)

    for path in ("/desk/", f"/desk/orders/{where.slug}"):
        page = client.get(path).text
        assert "<script>" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
        assert "54444444439" not in page


def test_the_decision_log_of_a_shops_orders_is_shown_without_anybody_in_it(desk):
    mine, other = shop("Mine"), shop("Other")
    now = clock.now()
    known = order(mine, "R-1001")
    forgotten = order(mine, None, name=None, email=None)
    order(other, "#R-2026-2001")
    with db.transaction() as session:
        decision_log.write(
            session,
            [
                decision_log.DecisionLogEntry(known, "check", "registry", "not_registered", now),
                decision_log.DecisionLogEntry(
                    known, "may_ask", "no_basis_registered", "refuse", now
                ),
            ],
        )

    page = desk.get(f"/desk/orders/{mine.slug}").text

    assert "R-1001" in page
    assert page.index("compared with who is registered") < page.index("the buyer is not registered")
    assert f"(number not kept), our no. {forgotten}" in page
    assert "#R-2026-2001" not in page
    assert "Ada Lovelace" not in page
    assert "buyer@mail.example" not in page


def test_the_number_of_an_order_is_known_as_long_as_its_review_knows_it(desk):
    mine = shop("Mine")
    public_id = review(mine, reference="#R-2026-1001")
    path = f"/desk/orders/{mine.slug}"
    assert "#R-2026-1001" in desk.get(path).text

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    page = desk.get(path).text
    assert "#R-2026-1001" not in page
    assert "number not kept" in page


@pytest.mark.parametrize("version", [{"version": ""}, {}])
def test_a_decision_that_does_not_say_what_was_read_is_refused(desk, version):
    waiting = review(shop())
    form = {"form_token": form_token(desk), "do": "approve"} | version

    answer = desk.post(f"/desk/reviews/{waiting}", data=form, headers={"Accept": "text/html"})

    assert answer.status_code == 400
    assert "load the page again" in answer.text
    assert _state(waiting).state == "pending"


def test_the_desk_names_shops_as_people_do_and_days_as_they_are_there(desk):
    with db.transaction() as session:
        new = enrol.Enrolment("Vélo & Fils", "a.example", "standard", zone="Pacific/Auckland")
        far, _ = enrol.enrol(session, new, clock.now())
    at = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)  # the 21st already, in Auckland
    review(far, at=at)
    with db.reading() as session:
        (listed,) = decision_log.recent_orders(session, far.id)
    with db.transaction() as session:
        decision_log.write(
            session, [decision_log.DecisionLogEntry(listed.id, "accept", "new", "received", at)]
        )

    waiting = desk.get("/desk/").text
    orders = desk.get(f"/desk/orders/{far.slug}").text

    assert "<bdi>Vélo &amp; Fils</bdi></strong>" in waiting
    assert "velo-fils</strong>" not in waiting
    for page in (waiting, orders):
        assert "November 21, 2026" in page
        assert "November 20, 2026" not in page
    assert "2026-11-21 11:30" in orders
    assert "Pacific/Auckland" in orders


def test_a_shop_that_is_not_there_is_nothing_here(desk):
    assert desk.get("/desk/orders/nobody").status_code == 404


def test_the_desk_is_never_kept_by_a_cache_nor_found_by_a_search(desk):
    headers = desk.get("/desk/").headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_the_desk_speaks_each_language(desk, language):
    where = shop()
    one, other = review(where), review(where)
    order(where, None)
    _decide(desk, one, do="reject", reason="spam")
    headers = {"Accept-Language": language}

    for path in ("/desk/", f"/desk/orders/{where.slug}", "/desk/enter"):
        answer = desk.get(path, headers=headers)
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
    assert other in desk.get("/desk/").text


def _answer(desk, public_id, **form):
    plain = {"form_token": form_token(desk), "do": "reply"}
    return desk.post(
        f"/desk/reviews/{public_id}/reply", data=plain | form, headers={"Accept": "text/html"}
    )


def _published():
    public_id = review(shop())
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())
    return public_id


def test_the_shops_reply_is_written_changed_and_removed_at_the_desk(desk):
    public_id = _published()
    assert "Reply as Vélo &amp; Fils" in desk.get("/desk/").text

    done = _answer(desk, public_id, text="Thank you <b>so</b> much.")
    shown = desk.get("/desk/").text
    changed = _answer(desk, public_id, text="Thank you.")

    assert (done.status_code, done.headers["Location"]) == (303, f"/desk/#review-{public_id}")
    assert f'id="review-{public_id}"' in shown
    assert shown.count("Thank you &lt;b&gt;so&lt;/b&gt; much.") == 2  # as it stands, and to change
    assert "Change or remove the reply" in shown
    assert changed.headers["Location"] == f"/desk/#review-{public_id}"
    with db.reading() as session:
        (written,) = reply.replies_to(
            session, [lookup.find_review(session, public_id).row_id]
        ).values()
    assert written.text == "Thank you."
    _answer(desk, public_id, do="remove")
    assert "Thank you." not in desk.get("/desk/").text


def test_a_reply_that_comes_too_late_is_answered_so(desk):
    public_id = _published()
    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    answer = _answer(desk, public_id, text="Thank you.")

    assert answer.headers["Location"] == "/desk/?late=1"


@pytest.mark.parametrize(
    "form",
    [
        {"text": ""},
        {},
        {"text": "x" * 2001},
        {"text": "About order 1001"},
        {"do": "delete", "text": "Thank you."},
    ],
)
def test_a_reply_that_cannot_stand_is_refused_with_a_page(desk, form):
    public_id = _published()

    assert _answer(desk, public_id, **form).status_code == 400
    with db.reading() as session:
        assert reply.replies_to(session, [lookup.find_review(session, public_id).row_id]) == {}


def test_a_waiting_review_has_no_form_for_a_reply(desk):
    review(shop())

    assert "/reply" not in desk.get("/desk/").text
