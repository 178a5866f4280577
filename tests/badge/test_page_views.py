"""Tests:
trustsvc/badge/page/views.py
"""

import json
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select, update

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock, config, i18n
from trustsvc.badge.page import sitemap
from trustsvc.badge.render import json_forms, png, svg
from trustsvc.badge.score import Score
from trustsvc.reviews import moderate, publish, reply, withdraw
from trustsvc.reviews.models import publications
from trustsvc.reviews.policy import REASONS
from trustsvc.shops.models import shops
from trustsvc.storage import db

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EN = {"Accept-Language": "en"}
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
json_ld_on = pytest.mark.parametrize("installation", [{"TRUSTSVC_JSON_LD": "1"}], indirect=True)


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOW):
        yield


def _publish(made, at=NOW, **more):
    public_id = review(made, at=at, **more)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", at)
        publish.publish_approved(session, at)
    return public_id


def _size(image):
    """Read how large a PNG is (its first chunk says it)."""
    return int.from_bytes(image[16:20]), int.from_bytes(image[20:24])


def _proven():
    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=NOW))


def _page(client, query="", **headers):
    return client.get(f"/s/velo-fils{query}", headers=EN | headers).text


def test_both_scores_are_shown_and_which_one_is_on_the_badge(client):
    made = shop()
    _publish(made, NOW - timedelta(days=800), stars=1)
    _publish(made, stars=5)

    page = _page(client)

    windows = re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", page[page.index("<dl class") :]))
    assert windows.startswith(
        " Last 12 months published since November 22, 2025 5.0 1 review "
        "All time shown on the badge 3.0 2 reviews "
    )
    assert client.get("/badge/v1/velo-fils.json").json["stars"] == 3.0


def test_a_year_without_a_review_has_no_score(client):
    _publish(shop(), NOW - timedelta(days=800))

    assert "<dd>no reviews</dd>" in _page(client)


def test_each_row_of_the_histogram_is_a_link_that_shows_these_alone(client):
    made = shop()
    for stars in (5, 5, 2):
        _publish(made, stars=stars, title=f"Title {stars}")

    page = _page(client, "?stars=5")

    for stars in range(1, 6):
        assert f'<li><a href="/s/velo-fils?stars={stars}#reviews"' in page
    assert page.count("aria-current") == 1
    assert 'href="/s/velo-fils?stars=5#reviews" aria-current="true"' in page
    assert "5 stars: 67 %, 2 reviews" in page
    assert (page.count("Title 5"), page.count("Title 2")) == (2, 0)
    assert "Only reviews with 5 stars: 2 reviews." in page
    assert '<a href="/s/velo-fils#reviews">Show all reviews</a>' in page
    assert "Newest first" in page
    everything = _page(client)
    assert "aria-current" not in everything
    assert "Show all" not in everything


def test_stars_that_nobody_gave_say_so(client):
    _publish(shop(), stars=5)

    page = _page(client, "?stars=1")

    assert "None of the reviews published here has so many stars." in page
    assert "<article" not in page


def test_a_filter_is_kept_while_turning_pages(client):
    made = shop()
    for stars in [4, 5] * 21:
        _publish(made, stars=stars)

    first = _page(client, "?stars=4")
    onward = re.search(r'href="/s/velo-fils(\?stars=4&amp;before=[0-9-]+)#reviews"', first)
    second = _page(client, onward[1].replace("&amp;", "&"))

    assert (first.count("<article"), second.count("<article")) == (20, 1)
    assert '<a href="/s/velo-fils?stars=4#reviews">To the newest reviews</a>' in second
    assert "Older reviews" not in second


@pytest.mark.parametrize("query", ["?stars=0", "?stars=6", "?stars=x", "?stars=4&before=x"])
def test_a_filter_that_there_is_not_is_a_plain_404(client, query):
    _publish(shop())

    assert client.get(f"/s/velo-fils{query}").status_code == 404


@pytest.mark.parametrize("query", ["?stars=", "?before=", "?utm_source=mail"])
def test_what_asks_for_nothing_is_the_whole_page(client, query):
    _publish(shop())

    assert _page(client, query) == _page(client)


def test_a_reply_stands_beneath_its_review_in_the_language_of_the_shop(client):
    made = shop()
    public_id = _publish(made, title="Hm")
    with db.transaction() as session:
        session.execute(update(shops).values(language="nl_BE"))
        reply.write_reply(session, public_id, "Dat spijt ons.\n</p><script>", "staff 1", NOW)

    page = _page(client)
    assert "Reply of Vélo &amp; Fils <span>on November 22, 2026</span>" in page
    assert '<p class="words" dir="auto" lang="nl">Dat spijt ons.\n&lt;/p&gt;&lt;script&gt;' in page
    assert "staff 1" not in page

    with db.transaction() as session:
        reply.write_reply(session, public_id, "Dat spijt ons.", "staff 1", NOW + timedelta(days=1))
    assert "<span>on November 22, 2026, changed on November 23, 2026</span>" in _page(client)


def test_what_a_buyer_wrote_keeps_its_own_language_on_a_page_in_another(client):
    _publish(shop(), title="Snel", text="Heel aan.")

    page = _page(client)

    assert '<html lang="en">' in page
    assert '<h3 dir="auto" lang="nl">Snel</h3>' in page
    assert '<p class="words" dir="auto" lang="nl">Heel aan.</p>' in page


@pytest.mark.parametrize(
    ("language", "locale", "description"),
    [
        ("nl", "nl_NL", "4,0 van 5 sterren, 1 beoordeling. Wat kopers zeggen over"),
        ("de", "de_DE", "4,0 von 5 Sternen, 1 Bewertung. Was Käuferinnen und Käufer über"),
        ("en", "en_GB", "4.0 out of 5 stars, 1 review. What buyers say about"),
        ("fr", "fr_FR", "4,0 sur 5 étoiles, 1 avis. Ce que les acheteurs disent de"),
    ],
)
def test_whoever_shares_the_page_shares_what_it_says(client, language, locale, description):
    _publish(shop())

    page = _page(client, **{"Accept-Language": language})

    base = config.current().base_url
    assert f'<link rel="canonical" href="{base}/s/velo-fils">' in page
    assert 'type="application/atom+xml"' in page
    assert 'href="/badge/v1/velo-fils/feed.atom"' in page
    assert f'<meta name="description" content="{description}' in page
    for name, value in [("type", "website"), ("url", f"{base}/s/velo-fils"), ("locale", locale)]:
        assert f'<meta property="og:{name}" content="{value}">' in page
    assert f'<meta property="og:description" content="{description}' in page
    assert '<meta property="og:title" content="' in page
    assert _size(client.get("/badge/v1/velo-fils.png").data) == (png.WIDTH, png.HEIGHT)
    for name, value in [("", f"{base}/badge/v1/velo-fils.png"), (":width", png.WIDTH)]:
        assert f'<meta property="og:image{name}" content="{value}">' in page


def test_the_address_to_keep_comes_from_the_settings_and_not_from_the_request(client):
    made = shop()
    for _ in range(21):
        _publish(made)

    forged = _page(client, Host="evil.example", **{"X-Forwarded-Host": "evil.example"})
    key = re.search(r"before=([0-9-]+)", forged)[1]
    base = config.current().base_url

    assert "evil.example" not in forged
    assert f'<link rel="canonical" href="{base}/s/velo-fils">' in _page(client, "?stars=4")
    older = _page(client, f"?before={key}")
    assert f'<link rel="canonical" href="{base}/s/velo-fils?before={key}">' in older


def test_the_page_says_for_which_domain_it_speaks_and_how_to_test_a_badge(client):
    _publish(shop())

    page = _page(client)

    assert "Score for <b>shop.example.com</b>" in page
    assert "holds for <b>shop.example.com</b> alone" in page
    assert "<code>trustsvc verify-badge URL</code>" in page
    assert 'href="/.well-known/trustsvc-keys.json"' in page
    assert "https://shop.example.com" not in page  # nobody has proven whose it is


def test_the_proven_domain_is_a_link_to_the_shop_and_to_nothing_else(client):
    _publish(shop())
    _proven()

    page = _page(client)

    link = '<a href="https://shop.example.com" rel="nofollow noopener">shop.example.com</a>'
    assert f"Score for <b>{link}</b>" in page
    assert page.count("https://shop.example.com") == 1


@pytest.mark.parametrize("reviewed", [True, False])
def test_the_seal_of_the_badge_stands_near_the_top_while_it_holds(client, reviewed):
    made = shop()
    if reviewed:
        _publish(made)
    without = _page(client)
    _proven()
    page = _page(client)

    top, _, foot = page.partition('<h2 id="reviews">')
    assert (top.count(svg.SEAL), foot.count(svg.SEAL)) == (1, 1)
    assert '<a href="#seal">What the seal attests</a>' in top
    assert svg.SEAL not in without
    assert (
        '<a href="#seal">Why there is no seal here</a>' in without.partition('<h2 id="reviews">')[0]
    )
    drawn = client.get("/badge/v1/velo-fils.svg").text
    assert svg.SEAL in drawn


def test_what_was_rejected_is_counted_and_where_nothing_was_a_sentence_says_so(client):
    made = shop()
    _publish(made)
    none = _page(client)
    at = NOW - timedelta(days=1)
    public_id = review(made, at=at)
    with db.transaction() as session:
        moderate.reject(session, public_id, "spam", "staff 1", at)

    some = _page(client)

    assert "None of them is rejected at present." in none
    assert "<dt>Rejected</dt>" not in none
    assert "None of them is rejected at present." not in some
    assert "<dt>Rejected</dt><dd>1</dd>" in some
    assert re.findall('class="inner"><dt>([^<]*)</dt><dd>([^<]*)', some) == [
        (i18n.translate("reviews.reason.spam", "en"), "1")
    ]
    for page in (none, some):  # why one may be: always shown
        for reason in REASONS:
            assert f"<li>{i18n.translate(f'reviews.reason.{reason}', 'en')}</li>" in page


def test_the_page_leads_to_the_notice_and_to_the_right_to_object(client):
    shop()

    foot = _page(client).partition("<footer>")[2]

    assert 'href="/privacy/velo-fils"' in foot
    assert 'href="/privacy/velo-fils#object"' in foot


def test_what_was_withdrawn_is_gone_at_once_and_from_caches_in_a_minute(client):
    public_id = _publish(shop(), title="Weg ermee")
    before = client.get("/s/velo-fils")

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, NOW)

    assert "Weg ermee" in before.text
    assert "Weg ermee" not in _page(client)
    assert "Weg ermee" not in _page(client, "?stars=4")
    # No stale-while-revalidate here, and none may show it while we are away.
    assert before.headers["Cache-Control"] == "public, max-age=60, must-revalidate"
    assert before.headers["Vary"] == "Accept-Language"


def test_nothing_is_claimed_to_search_engines_unless_the_operator_says_so(client):
    _publish(shop())
    _proven()

    assert "ld+json" not in _page(client)


@json_ld_on
def test_where_it_is_set_search_engines_read_what_people_read(client):
    made = shop("Vélo </script><script>alert(1)</script> & Fils")
    for stars in (5, 5, 4):
        _publish(made, stars=stars)
    _proven()

    page = client.get(f"/s/{made.slug}", headers=EN).text

    (json_ld,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert page.count("<script") == 1
    assert json.loads(json_ld) == {
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": made.name,
        "url": "https://shop.example.com",
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": 4.7,
            "bestRating": 5,
            "worstRating": 1,
            "reviewCount": 3,
            "url": f"{config.current().base_url}/s/{made.slug}",
        },
    }
    assert "4.7</b>" in page
    assert "3 reviews" in page


@json_ld_on
def test_nothing_is_claimed_of_an_unproven_domain_no_review_or_a_part_of_the_page(client):
    made = shop()
    _publish(made)
    unproven = _page(client)
    _proven()
    filtered = _page(client, "?stars=4")
    whole = _page(client)
    with db.transaction() as session:
        publish.take_down(
            session, session.scalars(select(publications.c.review_id)).all(), clock.now()
        )

    found = ["ld+json" in page for page in (unproven, filtered, whole, _page(client))]

    assert found == [False, False, True, False]


@pytest.mark.parametrize("name", ["</script>", "<!--<script>", "]]>", "a&b", "\u2028\u2029", "\\"])
def test_no_name_gets_out_of_the_data(name):
    written = str(
        json_forms.as_json_ld(name, "a.example", "https://r.example/s/a", Score((1,) * 5))
    )

    assert json.loads(written)["name"] == name
    assert not set(written) & set("<>&\u2028\u2029")


def test_the_sitemap_lists_the_shops_with_reviews_and_when_the_newest_came(client):
    made, empty, ended = shop(), shop("Empty"), shop("Ended")
    _publish(made, NOW - timedelta(days=9))
    _publish(made, NOW - timedelta(days=2, milliseconds=1))
    _publish(ended)
    with db.transaction() as session:
        session.execute(update(shops).where(shops.c.id == ended.id).values(closed_at=NOW))

    answer = client.get("/sitemap.xml")

    urls = ET.fromstring(answer.data).findall(f"{MAP}url")
    assert [[part.text for part in url] for url in urls] == [
        [f"{config.current().base_url}/s/velo-fils", "2026-11-20T11:59:59Z"]
    ]
    assert empty.slug not in answer.text
    assert answer.mimetype == "application/xml"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_the_sitemap_has_no_more_than_the_protocol_allows(installation, monkeypatch):
    monkeypatch.setattr(sitemap, "MAX_PAGES", 2)
    for name in ("A", "B", "C"):
        _publish(shop(name))

    with db.reading() as session:
        assert len(sitemap.sitemap_pages(session, NOW)) == 2


def test_an_address_is_escaped_in_the_sitemap():
    written = sitemap.sitemap_xml("https://r.example", [("a&b<c>'", NOW)])

    (loc,) = ET.fromstring(written).iter(f"{MAP}loc")
    assert loc.text == "https://r.example/s/a&b<c>'"


def test_robots_may_read_the_pages_of_shops_and_none_behind_somebodys_link(client):
    answer = client.get("/robots.txt")

    lines = answer.text.splitlines()
    assert lines[:2] == ["User-agent: *", "Allow: /s/"]
    for path in ("/r/", "/u/", "/me/", "/desk/"):
        assert f"Disallow: {path}" in lines
    assert lines[-1] == f"Sitemap: {config.current().base_url}/sitemap.xml"
    assert answer.mimetype == "text/plain"
