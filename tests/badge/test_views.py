from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock, i18n
from trustsvc.badge import refresh
from trustsvc.reviews import moderate, publish
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import REASONS
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.slow

BADGE = "/badge/v1/velo-fils.json"

NUMBER = "#R-2026-1001"


def _publish(made, count=1, **more):
    for _ in range(count):
        public_id = review(made, **more)
        with db.transaction() as session:
            moderate.approve(session, public_id, "staff 1", clock.now())
            publish.publish_approved(session, clock.now())
    with db.reading() as session:
        refresh.refresh_changed(session, clock.now())


@pytest.mark.parametrize(
    "path",
    [
        "/badge/v1/nobody.json",
        "/badge/v1/...svg",
        "/badge/v1/..%2f..%2fkeys.json",
        "/badge/v1/%00.json",
        "/badge/v1/velo-fils.gif",
        "/badge/v1/velo-fils.json.br",
        "/badge/v1/velo-fils/",
        "/badge/v1/velo-fils/feed.rss",
        "/badge/v1/velo-fils/feed.atom.gz",
        "/badge/v1/nobody/feed.atom",
        "/badge/v1/../feed.atom",
        "/badge/v1/%2e%2e/feed.atom",
        "/badge/v1/VELO-FILS.json",
        "/badge/v1/" + "a" * 300 + ".svg",
        "/s/nobody",
        "/s/velo-fils?before=x",
        "/s/velo-fils?before=1-1%20OR%201",
        "/s/velo-fils?before=" + "9" * 40 + "-1",
    ],
)
def test_what_is_not_there_is_a_plain_404(client, path):
    shop()

    assert client.get(path).status_code == 404


def test_the_newest_key_there_can_be_is_an_empty_page_and_not_an_error(client):
    shop()

    assert client.get("/s/velo-fils?before=" + "9" * 14 + "-" + "9" * 18).status_code == 200


def test_the_public_page_shows_what_was_published_and_how_it_was_checked(client):
    made = shop()
    _publish(made, title="Heel fijn", stars=5, reference=NUMBER)
    review(made, reference=NUMBER)
    insult = review(made, reference=NUMBER)
    with db.transaction() as session:
        moderate.reject(session, insult, "insult", "staff 1", clock.now())

    answer = client.get("/s/velo-fils", headers={"Accept-Language": "nl-BE,nl;q=0.9"})

    page = answer.text
    for part in ("Heel fijn", "Ada L., Delft", "Geverifieerde aankoop", "Ervaring van"):
        assert part in page
    for part in ("Gepubliceerd op", "Nieuwste eerst", "Ontvangen", "iemand wordt erin beledigd"):
        assert part in page
    assert "buyer@mail.example" not in page
    assert NUMBER not in page
    assert answer.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.slow
def test_the_public_page_turns_by_key_and_shows_each_review_once(client):
    made = shop()
    _publish(made, count=23)
    first = client.get("/s/velo-fils").text
    key = first.partition("?before=")[2].partition('"')[0]
    second = client.get(f"/s/velo-fils?before={key}").text

    with db.reading() as session:
        ids = session.scalars(select(reviews.c.public_id)).all()
    assert (first.count("<article"), second.count("<article")) == (20, 3)
    assert all((f"r-{one}" in first) != (f"r-{one}" in second) for one in ids)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_all_reasons_for_a_rejection_are_named_before_anything_was_rejected(client, language):
    shop()

    page = client.get("/s/velo-fils", headers={"Accept-Language": language}).text

    for reason in REASONS:
        words = str(i18n.translate_html(f"reviews.reason.{reason}", language))
        assert f"<li>{words}</li>" in page


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("nl", ("1 ster:", "één beoordeling gepubliceerd"), ("alle 2 gepubliceerde",)),
        ("de", ("1 Stern:", "eine einzige veröffentlichte"), ("aller 2 hier",)),
        ("en", ("1 star:", "One review is published"), ("all 2 reviews",)),
        ("fr", ("1 étoile :", "Un seul avis"), ("des 2 avis",)),
    ],
)
def test_one_is_not_counted_like_many(client, language, one, many):
    made = shop()
    for number, parts in ((1, one), (2, many)):
        _publish(made)
        page = client.get("/s/velo-fils", headers={"Accept-Language": language}).text
        for part in parts:
            assert (number, part, True) == (number, part, part in page)


def test_machines_read_the_same_day_as_people(client):
    made = shop()
    at = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # the 21st already, in Amsterdam
    public_id = review(made, at=at)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", at)
        publish.publish_approved(session, at)

    page = client.get("/s/velo-fils", headers={"Accept-Language": "nl"}).text

    assert page.count('<time datetime="2026-11-21">') == 2
    assert page.count("21 november 2026</time>") == 2


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        ({}, False),
        ({"proven_at": 0}, True),
        ({"proven_at": 0, "closed_at": 0}, False),
        ({"closed_at": 0}, False),
    ],
)
def test_the_seal_shows_only_while_all_it_attests_holds(client, facts, holds):
    shop()
    with db.transaction() as session:
        if facts:
            session.execute(update(shops).values(dict.fromkeys(facts, clock.now())))

    page = client.get("/s/velo-fils").text
    badge = client.get(BADGE).json

    assert ('class="holds"' in page) == holds
    assert badge["seal"] == holds


def test_a_shop_without_reviews_has_a_page_without_a_score(client):
    shop()
    page = client.get("/s/velo-fils", headers={"Accept-Language": "en"}).text

    assert "There are no published reviews" in page
    assert 'class="mean"' not in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"'><img src=x onerror=a>", "{x}"])
def test_a_hostile_shop_name_is_inert_on_its_page(client, name):
    made = shop(name)

    page = client.get(f"/s/{made.slug}").text

    assert "<script" not in page
    assert "<img" not in page
