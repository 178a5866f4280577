import gzip
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import brotli
import pytest

from trustsvc.badge import views
from trustsvc.badge.render import json_forms, snippets, svg
from trustsvc.badge.render.content import BadgeContent

FACE = BadgeContent(
    "4,6", "1.234 beoordelingen", "4,6 van 5 sterren, 1.234 beoordelingen",
    "https://reviews.example/s/acme", 4.6, 1234, sealed=True,
    notice="https://reviews.example/privacy/acme#object", privacy="Privacy en bezwaar",
)  # fmt: skip
EMPTY = BadgeContent(
    "", "Nog geen beoordelingen", "Nog geen beoordelingen", "https://r.example/s/a", 0.0, 0,
    sealed=False,
)  # fmt: skip
HOSTILE = "</title><script>alert(1)</script>\"'&"


def test_the_json_holds_finished_words_and_is_small():
    body = json_forms.as_json(FACE)

    assert json.loads(body) == {
        "score": "4,6",
        "count": "1.234 beoordelingen",
        "label": "4,6 van 5 sterren, 1.234 beoordelingen",
        "privacy": "Privacy en bezwaar",
        "stars": 4.6,
        "filled": 0.932,
        "reviews": 1234,
        "seal": True,
    }
    assert len(brotli.compress(body)) <= 400
    assert len(brotli.compress(svg.as_svg(FACE))) <= 600


@pytest.mark.parametrize("face", [FACE, EMPTY])
def test_the_image_is_well_formed_named_and_needs_no_style(face):
    body = svg.as_svg(face)
    root = ET.fromstring(body)

    assert (root.get("width"), root.get("height")) == ("220", "72")
    assert root.get("aria-label") == face.label
    assert b"style" not in body
    assert b"script" not in body
    assert b"href" not in body


def test_a_badge_without_reviews_shows_no_score_and_fills_no_star():
    body = svg.as_svg(EMPTY)

    assert b"Nog geen beoordelingen" in body
    assert b"linearGradient" not in body
    assert json.loads(json_forms.as_json(EMPTY))["score"] == ""


def test_the_seal_is_drawn_only_while_it_holds():
    assert svg.SEAL.encode() in svg.as_svg(FACE)
    assert svg.SEAL.encode() not in svg.as_svg(EMPTY)


@pytest.mark.parametrize(
    ("mean", "part"), [(0.0, 0.0), (5.0, 1.0), (4.0, 0.8), (2.5, (48 + 2 + 10) / 120)]
)
def test_stars_are_filled_as_far_as_the_mean_says(mean, part):
    assert svg.filled_width(mean) == pytest.approx(part)


@pytest.mark.parametrize(
    ("mean", "part"), [(0.0, 0.0), (5.0, 1.0), (4.0, round((96 - 2.1) / 115.8, 3))]
)
def test_the_gradient_is_measured_on_the_stars_alone(mean, part):
    assert svg.filled_share(mean) == part


def test_hostile_words_stay_words():
    face = BadgeContent(HOSTILE, HOSTILE, HOSTILE, "javascript:alert(1)", 4.6, 1, sealed=False)

    root = ET.fromstring(svg.as_svg(face))
    assert root.get("aria-label") == HOSTILE
    assert [one.tag for one in root.iter() if one.tag.endswith("script")] == []
    assert json.loads(json_forms.as_json(face))["label"] == HOSTILE
    assert "<script>a" not in snippets.snippet('a"><b', "https://r.example", HOSTILE, HOSTILE)


def card(slug="acme", **words):
    plain = dict.fromkeys(("title", "text", "data", "go", "notice", "object"), HOSTILE)
    return snippets.card(slug, "https://r.example", snippets.CardWords("nl", **plain | words))


def test_the_card_is_plain_links_and_words_in_which_nothing_is_markup():
    html = card(slug='a"><b')

    assert "<script>a" not in html
    assert 'a"><b' not in html
    assert "https://r.example/register/" in html
    assert "#object" in html
    assert 'rel="noopener noreferrer"' in html


def test_the_card_s_script_is_small_and_writes_no_markup():
    source = (Path(views.__file__).parent / "static" / "card.js").read_bytes()

    assert len(gzip.compress(source, 9)) <= 2000
    for word in (b"innerHTML", b"outerHTML", b"insertAdjacent", b"document.write", b".style"):
        assert word not in source
    for word in (b"fetch", b"XMLHttp", b"sendBeacon", b"Storage", b"cookie =", b"new Image"):
        assert word not in source
