from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from tests.badge.render.sample_badge import HOSTILE, HOSTILE_LINE, LINE, newest
from trustsvc.badge.render import feed

ATOM = "{http://www.w3.org/2005/Atom}"


def read(made):
    return ET.fromstring(feed.as_atom(made))


def texts(element, name):
    return [one.text for one in element.findall(f"{ATOM}{name}")]


def test_a_feed_says_what_a_feed_must():
    """RFC 4287 sections 4.1.1 and 4.1.2: exactly one id, title and updated, an author an entry."""
    root = read(newest(LINE))
    entry = root.find(f"{ATOM}entry")

    assert root.tag == f"{ATOM}feed"
    assert texts(root, "id") == ["tag:reviews.example,2026:shop/acme"]
    assert texts(root, "title") == ["Beoordelingen van Acme"]
    assert texts(root, "updated") == ["2026-11-02T23:30:01Z"]
    links = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
    assert links == {
        "self": "https://reviews.example/badge/v1/acme/feed.atom",
        "alternate": "https://reviews.example/s/acme",
    }
    assert texts(entry, "id") == ["tag:reviews.example,2026:review/6f6e65"]
    assert texts(entry, "title") == ["★★★★★ Heel fijn"]
    assert texts(entry, "updated") == texts(entry, "published") == ["2026-11-02T23:30:01Z"]
    assert texts(entry.find(f"{ATOM}author"), "name") == ["Sanne V., Utrecht"]
    content = entry.find(f"{ATOM}content")
    assert content.get("type") == "text"
    assert content.text == (
        "5 van 5 sterren\n\nDe fiets kwam heel aan.\n\nGraag nog eens.\n\nGeverifieerde aankoop"
    )
    assert entry.find(f"{ATOM}link").get("href") == "https://reviews.example/s/acme#r-6f6e65"


def test_a_feed_without_reviews_is_one_and_says_since_when():
    root = read(newest())

    assert root.findall(f"{ATOM}entry") == []
    assert texts(root, "updated") == ["2026-10-01T08:00:00Z"]


def test_the_feed_is_as_new_as_its_newest_entry():
    later = replace(LINE, published_at=datetime(2026, 11, 9, tzinfo=UTC))

    assert texts(read(newest(later, LINE)), "updated") == ["2026-11-09T00:00:00Z"]


def test_a_review_without_a_title_has_its_stars_for_one():
    assert texts(read(newest(replace(LINE, title=""))).find(f"{ATOM}entry"), "title") == ["★★★★★"]


def test_hostile_words_stay_words_and_what_xml_cannot_say_is_left_out():
    made = newest(HOSTILE_LINE, title=HOSTILE, language=HOSTILE, feed=HOSTILE, tag=HOSTILE)
    root = read(made)
    entry = root.find(f"{ATOM}entry")

    assert texts(root, "title") == [HOSTILE]
    assert texts(entry.find(f"{ATOM}author"), "name") == [HOSTILE]
    assert HOSTILE in entry.find(f"{ATOM}content").text
    assert {one.tag.removeprefix(ATOM) for one in root.iter()} == {
        "feed", "id", "title", "updated", "link", "entry", "published", "author", "name", "content",
    }  # fmt: skip
