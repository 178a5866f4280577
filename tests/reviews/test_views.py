import threading
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select, update

from jobs.publish_reviews import publish_reviews
from tests.reviews.sample_reviews import invitation, order, shop
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.invitations.models import invitations
from trustsvc.reviews import lookup, moderate
from trustsvc.reviews.models import reviews
from trustsvc.storage import columns, db


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.hrefs, self.words = set(), set(), [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.hrefs += [value or "" for name, value in attrs if name in {"href", "src", "action"}]

    def handle_data(self, data):
        self.words += data


FORM = {
    "stars": "4",
    "title": "Snel",
    "text": "Goed.",
    "name": "Ada L.",
    "city": "Delft",
    "consent": "yes",
}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)' autofocus='",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea><svg onload=alert(1)>",
    "{shop}{0.__class__}%s",
]


@pytest.fixture
def link(client):
    """The path of a link to write with."""
    made = shop()
    return _path(invitation(made, order(made))[1])


def _path(link_id, purpose="review"):
    return f"/{signed_links.PATHS[purpose]}/{signed_links.token(purpose, link_id)}"


def _all():
    with db.reading() as session:
        return lookup.list_reviews(session)


def _only():
    (review,) = _all()
    return review


def _tables():
    with db.reading() as session:
        everything = columns.metadata.sorted_tables
        return {one.name: session.execute(select(one)).all() for one in everything}


def test_the_form_asks_for_stars_and_suggests_a_name_but_never_shows_the_address(client, link):
    page = client.get(link).text

    assert page.count('type="radio"') == 5 + 2  # stars, and who may read it
    assert " checked" not in page
    assert 'name="name" value="Ada L."' in page
    assert 'name="city" value=""' in page
    assert "buyer@mail.example" not in page


@pytest.mark.parametrize(("asked", "checked"), [("4", 1), ("6", 0), ("<b>", 0), ("", 0), ("44", 0)])
def test_a_star_clicked_in_the_message_only_preselects(client, link, asked, checked):
    page = client.get(link, query_string={"stars": asked}).text

    assert page.count(" checked") == checked
    assert _all() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing_however_often(client, link, method):
    before = _tables()

    for query in ("", "?stars=5", "?do=withdraw", "?stars=5&name=x&consent=yes"):
        client.open(link + query, method=method, headers={"Purpose": "prefetch"})

    assert _tables() == before


def test_a_post_without_a_button_submits_and_shows_what_comes_next(client, link):
    answer = client.post(link, data=FORM)
    page = client.get(answer.headers["Location"]).text

    assert answer.status_code == 303
    assert "Dank je wel" in page
    assert 'value="correct"' in page
    assert 'value="withdraw"' in page
    review = _only()
    assert (review.stars, review.text, review.consent) == (4, "Goed.", True)


def test_pages_of_the_link_are_private_and_need_no_cookie(client, link):
    for answer in (client.get(link), client.post(link, data=FORM), client.post(link, data={})):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in answer.headers


def test_every_page_of_the_link_leads_to_the_notice_stop_and_my_data(client, link):
    page = client.get(link).text

    for part in ("/privacy/velo-fils", "/u/", "/me/"):
        assert part in page


@pytest.mark.parametrize(
    ("wrong", "anchor"),
    [
        ({"stars": ""}, "#stars-1"),
        ({"stars": "6"}, "#stars-1"),
        ({"name": " "}, "#name"),
        ({"title": "x" * 121}, "#title"),
        ({"text": "x" * 5001}, "#text"),
    ],
)
def test_a_mistake_is_named_on_top_and_everything_else_is_kept(client, link, wrong, anchor):
    answer = client.post(link, data=FORM | {"text": "Heel <goed>"} | wrong)

    assert answer.status_code == 422
    assert f'href="{anchor}"' in answer.text
    assert 'value="Delft"' in answer.text
    assert "text" in wrong or "Heel &lt;goed&gt;" in answer.text
    assert _all() == []


def test_many_posts_at_once_make_one_review_and_nobody_sees_an_error(app, link):
    start, answers = threading.Barrier(6), []

    def post(number):
        start.wait()
        answers.append(app.test_client().post(link, data=FORM | {"text": str(number)}).status_code)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # One wrote; the others wrote something else, and see that it was not taken.
    assert sorted(answers) == [200] * 5 + [303]
    assert len(_all()) == 1


def test_a_second_post_without_a_button_leaves_the_review_as_it_is(client, link):
    client.post(link, data=FORM)

    client.post(link, data=FORM | {"stars": "1", "text": "Scanner"})

    assert (_only().stars, _only().text) == (4, "Goed.")


def test_sending_other_words_again_says_that_they_were_not_taken_and_offers_them(client, link):
    client.post(link, data=FORM)

    answer = client.post(link, data=FORM | {"stars": "2", "text": "Toch niet."})

    assert answer.status_code == 200
    assert "was al binnen" in answer.text
    assert "Dank je wel" not in answer.text
    assert '<p class="words" dir="auto" lang="nl">Goed.</p>' in answer.text
    assert "<details open>" in answer.text
    assert "Toch niet.</textarea>" in answer.text
    assert 'value="2" required checked' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert (_only().stars, _only().text) == (4, "Goed.")


@pytest.mark.parametrize("again", [FORM, {}, {"tracking": "1"}])
def test_the_same_words_or_none_again_are_no_news(client, link, again):
    client.post(link, data=FORM)

    assert client.post(link, data=again).status_code == 303
    assert "was al binnen" not in client.get(link).text


def test_sending_again_with_a_mistake_says_both(client, link):
    client.post(link, data=FORM)

    page = client.post(link, data=FORM | {"name": ""}).text

    assert "was al binnen" in page
    assert 'href="#name"' in page


@pytest.mark.parametrize("state", ["pending", "approved", "rejected", "published"])
def test_no_page_promises_to_show_a_review_that_will_not_be_shown(client, link, state):
    client.post(link, data=FORM | {"consent": "no"})
    assert "ziet je beoordeling, zoals hieronder" in client.get(link).text
    client.post(link, data=FORM | {"do": "correct"})
    with db.transaction() as session:
        reason = "spam" if state == "rejected" else None
        session.execute(update(reviews).values(state=state, reason=reason))

    heading = {
        "rejected": "Dit schreef je",
        "published": "Zo staat je beoordeling op de pagina",
    }.get(state, "Zo wordt je beoordeling getoond")
    page = client.get(link).text
    assert f'<h2 class="small">{heading}</h2>' in page


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", "de datum van je ervaring"),
        ("de", "das Datum Ihrer Erfahrung"),
        ("en", "the date of your experience"),
        ("fr", "date de votre expérience (livraison ou commande)"),
    ],
)
def test_form_and_notice_name_the_date_that_is_published(client, link, language, words):
    with db.transaction() as session:
        session.execute(update(invitations).values(language=language))
    notice = client.get("/privacy/velo-fils", headers={"Accept-Language": language}).text

    assert words in client.get(link).text
    assert words in notice


def test_the_author_corrects_through_the_same_link(client, link):
    client.post(link, data=FORM)

    answer = client.post(link, data=FORM | {"do": "correct", "stars": "2", "city": ""})

    assert answer.status_code == 303
    assert (_only().stars, _only().city, _only().state) == (2, "", "pending")


def test_a_correction_with_a_mistake_is_shown_again_and_changes_nothing(client, link):
    client.post(link, data=FORM)

    answer = client.post(link, data=FORM | {"do": "correct", "stars": "9"})

    assert answer.status_code == 422
    assert "<details open>" in answer.text
    assert _only().stars == 4


def test_the_author_withdraws_through_the_same_link_and_it_stays_withdrawn(client, link):
    client.post(link, data=FORM)

    client.post(link, data={"do": "withdraw"})
    client.post(link, data=FORM)
    client.post(link, data=FORM | {"do": "correct"})
    page = client.get(link)

    assert _only().state == "withdrawn"
    assert page.status_code == 200
    assert "ingetrokken" in page.text
    assert "Goed." not in page.text


def test_an_author_sees_the_reason_of_a_rejection(client, link):
    client.post(link, data=FORM)
    with db.transaction() as session:
        moderate.reject(session, _only().id, "personal_data", "staff 1", clock.now())

    assert "er staan persoonlijke gegevens van iemand in" in client.get(link).text


@pytest.mark.parametrize("state", ["withdrawn", "redeemed"])
def test_an_invitation_that_is_over_gets_a_kind_page(client, link, state):
    with db.transaction() as session:
        session.execute(update(invitations).values(state=state))

    for answer in (client.get(link), client.post(link, data=FORM)):
        assert answer.status_code == 410
        assert "<h1>" in answer.text
    assert _all() == []


def test_an_expired_link_writes_no_more_but_its_author_still_sees_and_withdraws(client, link):
    later = clock.now() + timedelta(days=91)
    with clock.at(later):
        assert client.get(link).status_code == 410
        assert client.post(link, data=FORM).status_code == 410
    client.post(link, data=FORM)

    with clock.at(later):
        assert client.get(link).status_code == 200
        client.post(link, data={"do": "withdraw"})

    assert _only().state == "withdrawn"


@pytest.mark.parametrize("purpose", ["stop", "me", "staff"])
def test_a_link_made_for_another_purpose_opens_nothing(client, link, purpose):
    made = shop()
    _, link_id = invitation(made, order(made, reference="2"))
    other = f"/r/{signed_links.token(purpose, link_id)}"

    assert client.get(other).status_code == 404
    assert client.post(other, data=FORM).status_code == 404


@pytest.mark.parametrize("token", ["x", "%00", "a.b", "%F0%28", "A" * 4000, "..%2f..", "\u202e"])
def test_a_token_that_is_nonsense_is_a_plain_404(client, token):
    answer = client.post(f"/r/{token}", data=FORM)

    assert answer.status_code == 404
    assert b"Traceback" not in answer.data


def test_another_spelling_of_the_same_token_makes_no_second_review(client, link):
    client.post(link, data=FORM)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        client.post(link[:-1] + last, data=FORM)
    client.post(link + "=", data=FORM)

    assert len(_all()) == 1


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_inert_wherever_they_are_shown(client, link, words):
    hostile = FORM | dict.fromkeys(("title", "text", "name", "city"), words)
    echoed = client.post(link, data=hostile | {"stars": "9"})
    client.post(link, data=hostile)
    yours = client.get(link)
    with db.transaction() as session:
        moderate.approve(session, _only().id, "staff 1", clock.now())
    publish_reviews()
    public = client.get("/s/velo-fils")

    for page in (echoed, yours, public):
        seen = Seen()
        seen.feed(page.text)
        assert seen.tags.isdisjoint({"script", "img", "iframe", "object", "style", "base"})
        assert not any(name.startswith("on") or name == "style" for name in seen.attributes)
        assert not any("javascript:" in href for href in seen.hrefs)
        assert words in seen.words
    assert yours.text.count("<article") == 1


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe", b"stars=%ff&name=%00%ed%a0%80", b"a" * 1000, b"stars=4&stars=5"]
)
def test_a_body_that_is_no_form_is_a_form_with_mistakes(client, link, body):
    answer = client.post(link, data=body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 422
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(reviews)) == 0


def test_a_body_that_is_too_large_is_refused(client, link):
    assert client.post(link, data=FORM | {"text": "x" * 300_000}).status_code == 413
