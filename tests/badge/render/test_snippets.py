"""What shops paste: it works alone, is no markup of anybody's words, and names its policy."""

import re
from pathlib import Path

import pytest

from trustsvc.badge import scripts
from trustsvc.badge.render import snippets

BASE = "https://reviews.example"
RELEASE = snippets.ScriptRelease("1.0.0", "sha384-abc")
BADGE = (
    '<review-badge shop="acme"><svg width="220" height="72">'
    '<foreignObject width="220" height="72"><a href="https://reviews.example/s/acme">'
    '<img src="https://reviews.example/badge/v1/acme.svg" width="220" height="72" alt="Reviews" '
    'loading="lazy"></a></foreignObject>'
    '<a href="https://reviews.example/privacy/acme#object" aria-label="Privacy">'
    '<rect x="187" y="40" width="24" height="24" fill-opacity="0"/>'
    f'<path transform="translate(187 40)" d="{snippets.SIGN}" fill="none" stroke="#5c564d"/></a>'
    '</svg></review-badge>\n<script src="https://reviews.example/embed/{}></script>'
)


def _all(slug="acme", words="Reviews"):
    return [
        snippets.image(slug, BASE, words, words),
        snippets.snippet(slug, BASE, words, words),
        snippets.pinned(slug, BASE, words, words, RELEASE),
        snippets.listing(slug, BASE, words, words),
        snippets.listing(slug, BASE, words, words, RELEASE),
    ]


def test_a_badge_is_an_image_with_a_size_and_a_script_that_may_be_pinned():
    pinned = '1.0.0/badge.js" integrity="sha384-abc" crossorigin="anonymous" defer'

    assert snippets.snippet("acme", BASE, "Reviews", "Privacy") == BADGE.format('v1.js" defer')
    assert snippets.pinned("acme", BASE, "Reviews", "Privacy", RELEASE) == BADGE.format(pinned)


def test_where_no_script_may_be_the_right_to_object_has_a_link_of_its_own():
    html = snippets.image("acme", BASE, "Reviews", "Privacy")

    assert "<script" not in html
    assert f'<a href="{BASE}/privacy/acme#object">Privacy</a>' in html


@pytest.mark.parametrize("html", _all(words="Privacy"))
def test_each_kind_has_the_right_to_object_before_any_script_ran(html):
    outside_of_scripts = html.partition("<script")[0]

    assert f'<a href="{BASE}/privacy/acme#object"' in outside_of_scripts


def test_the_sign_of_the_way_to_object_is_the_one_the_script_draws():
    script = (Path(scripts.STATIC) / "source" / "badge.js").read_text()

    assert f'"{snippets.SIGN}"' in script


def test_a_message_gets_a_bitmap_of_a_named_size():
    html = snippets.image("acme", BASE, "Reviews", "Privacy", form="png")

    assert 'src="https://reviews.example/badge/v1/acme.png" width="220" height="72"' in html


def test_a_list_with_a_release_names_its_script_and_its_hash():
    pinned = '/embed/1.0.0/list.js" integrity="sha384-abc" crossorigin="anonymous" defer'

    assert pinned in snippets.listing("acme", BASE, "Reviews", "Privacy", RELEASE)


def test_the_list_keeps_as_much_space_as_it_takes():
    css = (Path(scripts.STATIC) / "source" / "list.css").read_text()

    assert f"height: {snippets.LIST_HEIGHT}px;" in css
    assert f'height="{snippets.LIST_HEIGHT}"' in snippets.listing(
        "acme", BASE, "Reviews", "Privacy"
    )


def test_the_policy_names_what_is_loaded_and_nothing_else():
    assert snippets.csp_policy(BASE) == (
        f"script-src {BASE}; connect-src {BASE}; img-src {BASE}"
    )  # fmt: skip
    assert not any("style" in html for html in _all())


@pytest.mark.parametrize("word", ["</title><script>alert(1)</script>\"'&", '"><b onclick="x">'])
def test_hostile_words_stay_words(word):
    ours = "review-|a|img|script src|small|br|svg|foreignObject|rect|path|/"
    for html in _all(word, word):
        assert re.findall(rf"<(?!/?(?:{ours}))[^>]*>", html) == []
        assert "<script>" not in html
