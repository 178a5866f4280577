"""Each of the six rights as a person walks it: from the message's link, without JavaScript."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.browser import accessibility, sample_shop
from tests.privacy.rights.my_data_pages import answered, mailed
from tests.reviews import sample_reviews
from tests.staff import signed_in_staff
from trustsvc import clock
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.invitations.models import invitations
from trustsvc.mail.outbox.models import messages
from trustsvc.orders.models import orders
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import confirmation, people
from trustsvc.registry import registration
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import moderate, publish
from trustsvc.reviews.models import publications
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(autouse=True)
def quiet():
    with job_queue.capture(lambda _: None):
        yield


@pytest.fixture
def made(origin):
    return sample_reviews.shop("Juwelier De Ring")


@pytest.fixture
def walk(browse):
    """Open a link as somebody without JavaScript; no cookie is there afterwards."""
    pages = []

    def go(link):
        page = browse(java_script_enabled=False)
        page.goto(link)
        pages.append(page)
        return page

    yield go
    assert [page.context.cookies() for page in pages] == [[]] * len(pages)


def published(made):
    public_id = sample_reviews.review(made)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())
    with db.reading() as session:
        return signed_links.url("me", session.scalar(select(invitations.c.link)))


def invited(made, message_state="due"):
    link_id = sample_reviews.invitation(
        made, sample_reviews.order(made), message_state=message_state
    )[1]
    return signed_links.url("me", link_id)


def own_link(made):
    """Have somebody registered and out at one shop and at all; gives the link /me would mail."""
    address, now = "known@mail.example", clock.now()
    with db.transaction() as session:
        registration.register(session, address, "registration-1", "page", now)
        for place in (0, made.id):
            opt_out(session, address, place, "objection", now)
        person = people.with_language(people.by_address(session, address), "nl")
        return confirmation.my_data_link(session, person, now)


def rows(column):
    with db.reading() as session:
        return session.scalars(select(column)).all()


def h1(page):
    return page.get_by_role("heading", level=1).inner_text()


def test_see_and_take_along(made, walk, browse):
    link = invited(made)
    page = walk(link)

    assert page.get_by_text("Ada Lovelace").is_visible()
    page.get_by_text("Wat er is besloten").count()
    with page.expect_download() as download:
        page.get_by_role("link", name="Meenemen").click()
    copy = json.loads(download.value.path().read_text())

    assert download.value.suggested_filename == "my-data.json"
    assert copy["data"]["orders"][0]["name"] == "Ada Lovelace"


def test_correct(made, walk):
    page = walk(invited(made))

    page.get_by_role("link", name="Verbeteren").click()
    page.get_by_label("Je naam, voor e-mails").fill("Augusta Ada King")
    page.get_by_role("button", name="Opslaan").click()

    assert h1(page) == "Het is verbeterd"
    page.get_by_role("link", name="Terug naar mijn gegevens").click()
    assert page.get_by_text("Augusta Ada King").is_visible()
    assert [email_message.subject for email_message in mailed()] == ["Je gegevens zijn verbeterd"]


def test_restrict_and_lift(made, walk):
    page = walk(published(made))

    page.get_by_role("link", name="Beperken").click()
    page.get_by_role("button", name="Beperk mijn gegevens").click()
    assert h1(page) == "Je gegevens zijn beperkt"
    assert rows(publications.c.review_id) == []
    page.get_by_role("link", name="Terug naar mijn gegevens").click()
    page.get_by_role("link", name="Beperking opheffen").click()
    page.get_by_role("button", name="Hef het op").click()

    assert h1(page) == "De beperking is opgeheven"
    with db.transaction() as session:
        publish.publish_approved(session, clock.now())
    assert len(rows(publications.c.review_id)) == 1


def test_object_by_the_link_and_open_the_copy_from_the_message(made, walk):
    page = walk(invited(made))

    page.get_by_role("link", name="Bezwaar maken").click()
    page.get_by_role("button", name="Niet meer van Juwelier De Ring").click()

    assert h1(page) == "Je wordt niet meer gevraagd"
    with db.reading() as session:
        states = dict(session.execute(select(messages.c.kind, messages.c.state)).all())
    assert states == {"invitation": "dropped", "transactional": "due"}
    (email_message,) = mailed()
    copy = walk(re.search(r"http\S+/me/\S+", email_message.text)[0])
    assert copy.get_by_role("link", name="Meenemen").is_visible()


def test_object_before_the_first_message(made, walk, origin):
    page = walk(f"{origin}/privacy/{made.slug}")

    page.get_by_role("link", name="Geen uitnodigingen van Juwelier De Ring").click()
    page.get_by_label("Je e-mailadres").fill("nobody@mail.example")
    page.get_by_role("button", name="Vraag mij niets").click()

    assert h1(page) == "Je wordt niet gevraagd"
    assert rows(opt_outs.c.shop_id) == [made.id]


def test_be_asked_again_after_an_objection(made, walk, origin):
    # A shop's own buyer objects with one click.
    known_as = pseudonyms.shop_pseudonym(made.id, "buyer@mail.example")
    sample_reviews.order(made, email="buyer@mail.example", buyer_pseudonym=known_as)
    walk(f"{origin}/object/{made.slug}").context.request.post(
        f"{origin}/object/{made.slug}", form={"email": "buyer@mail.example"}
    )
    answered()
    mailed()  # the copy for whoever objected
    page = walk(f"{origin}/me")
    page.get_by_label("Je e-mailadres").fill("buyer@mail.example")
    page.get_by_role("button", name="Mail mij de link").click()
    answered()
    (email_message,) = mailed()
    page = walk(re.search(r"http\S+/me/\S+", email_message.text)[0])

    page.get_by_role("link", name="Weer gevraagd worden").click()
    page.get_by_role("button", name="Juwelier De Ring mag mij weer vragen").click()

    assert h1(page) == "Je mag weer worden gevraagd"
    assert rows(opt_outs.c.shop_id) == []
    assert [one.subject for one in mailed()] == ["Je mag weer om beoordelingen worden gevraagd"]


def test_a_link_whose_time_is_over_leads_to_a_fresh_one(made, walk, origin):
    invited(made)
    with db.transaction() as session:
        person = people.by_address(session, "buyer@mail.example")
        late = confirmation.my_data_link(session, person, clock.now() - timedelta(days=4))
    page = walk(late)

    page.get_by_role("link", name="Vraag een nieuwe").click()

    assert page.get_by_label("Je e-mailadres").is_visible()


def test_erase_and_leave_the_review_without_a_name(made, walk, origin):
    page = walk(published(made))

    page.get_by_role("link", name="Wissen").click()
    page.get_by_label(re.compile("Laten staan zonder mijn naam")).check()
    page.get_by_role("button", name="Wis mijn gegevens").click()

    assert h1(page) == "Je gegevens zijn gewist"
    assert page.get_by_text(re.compile("ondertekende bewijs: [0-9a-f]{16}")).is_visible()
    assert rows(orders.c.buyer_pseudonym) == [None]
    page.goto(f"{origin}/s/{made.slug}")
    assert page.get_by_text("Naam op verzoek weggelaten").is_visible()


def test_a_child_is_erased_by_one_button(made, walk):
    page = walk(published(made))

    page.get_by_role("link", name="Wissen").click()
    page.get_by_role("button", name=re.compile("jonger dan 16")).click()

    assert h1(page) == "Je gegevens zijn gewist"
    assert rows(publications.c.review_id) == []


def test_a_link_is_mailed_to_a_known_address(made, walk, origin):
    invited(made)
    page = walk(f"{origin}/me")

    page.get_by_label("Je e-mailadres").fill("buyer@mail.example")
    page.get_by_role("button", name="Mail mij de link").click()
    assert h1(page) == "Kijk in je mailbox"
    with db.transaction() as session:  # the scene's orders have no mark of their own
        mark = pseudonyms.shop_pseudonym(made.id, "buyer@mail.example")
        session.execute(orders.update().values(buyer_pseudonym=mark))
    answered()

    (email_message,) = mailed()
    assert walk(re.search(r"http\S+/me/\S+", email_message.text)[0]).get_by_text("Ada").is_visible()


def test_the_pages_have_no_accessibility_problem_and_fit_any_screen(made, browse, origin):
    link, plain = published(made), invited(made)
    urls = [link, plain, f"{origin}/me", f"{origin}/object/{made.slug}"]
    urls += [
        f"{one}/{deed}" for one in (link, plain) for deed in ("correct", "object", "again", "erase")
    ]
    urls += [f"{plain}/restrict", own_link(made)]

    assert accessibility.of_urls(browse, dict(zip(urls, urls, strict=True))) == []


def test_the_answers_have_no_accessibility_problem(made, browse):
    page = browse()
    problems = []
    for deed in ("correct", "restrict", "lift", "object", "again", "erase"):
        page.goto(f"{invited(made)}/{deed}" if deed != "lift" else page.url)
        if deed == "lift":
            page.get_by_role("link", name="Terug naar mijn gegevens").click()
            page.get_by_role("link", name="Beperking opheffen").click()
        page.get_by_role("button").first.click()
        problems += accessibility.problems(page)

    assert problems == []


def test_pictures_are_made(made, browse, screenshots):
    link = published(made)
    own = own_link(made)
    shown = {"me": link, "own": own, "again": f"{own}/again"}
    shown |= {"erase": f"{link}/erase", "object": f"{link}/object"}
    for name, url in shown.items():
        page = browse(viewport={"width": 800, "height": 900})
        page.goto(url)
        page.screenshot(path=screenshots / f"rights-{name}.png", full_page=True)

    assert sample_shop.SAID
    assert len(list(screenshots.glob("rights-*.png"))) == 5


def test_the_desks_clock_has_no_accessibility_problem(made, browse, origin, screenshots):
    now = clock.now()
    with db.transaction() as session:
        for days, kind in ((0, "copy"), (21, "erase")):
            request_log.record_open(session, kind, made.id, now - timedelta(days=days))
        request_log.record_answered(session, "object", 0, "person", now)

    def sign_in(page):
        page.goto(f"{origin}{signed_in_staff.one_time_link()}")
        page.get_by_role("button").click()

    urls = {"requests": f"{origin}/desk/requests"}
    assert accessibility.of_urls(browse, urls, sign_in) == []
    page = browse()
    sign_in(page)
    page.goto(urls["requests"])
    page.screenshot(path=screenshots / "desk-requests.png", full_page=True)
