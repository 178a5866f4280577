"""What the badge costs a page, for a shop of long names and not only for a small one."""

from itertools import accumulate, repeat

import brotli
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.badge.render.sample_badge import LINE, newest
from trustsvc import i18n
from trustsvc.badge import scripts
from trustsvc.badge.render import json_forms, svg
from trustsvc.badge.render.content import BadgeContent, ReviewContent
from trustsvc.badge.statement import statement

BASE = "https://beoordelingen.schoenen-en-tassen.example"
DOMAIN = "www.de-grote-schoenen-en-tassen-winkel.example"
SLUG = "de-grote-schoenen-en-tassen-winkel-breda"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RELEASE = f"embed/{scripts.newest_release()}"
LATIN = "etaoinshrdlcumwfgypbvkéèüöß    "
CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф    "
CJK = "".join(map(chr, range(0x4E00, 0x9FA5)))


def packed(body):
    return len(brotli.compress(body, mode=brotli.MODE_TEXT, quality=11))


def face(language):
    mean, number = 4.63, 12_345
    signed = statement.Statement(
        BASE, DOMAIN, SLUG, mean, number, *statement_days()
    )  # fmt: skip
    score = i18n.format_decimal(mean, language)
    count = i18n.translate("badge.count", language, count=number)
    return BadgeContent(
        score, count, i18n.translate("badge.label", language, score=score, reviews=count),
        f"{BASE}/s/{SLUG}", mean, number, sealed=True, proof=statement.encode(signed, KEY, "12"),
        notice=f"{BASE}/privacy/{SLUG}#object",
        privacy=i18n.translate("badge.list.notice", language),
    )  # fmt: skip


def statement_days():
    return 1_795_305_600, 1_795_996_800


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_all_that_a_page_loads_for_the_badge_of_a_large_shop_is_small(language):
    assert (len(SLUG), len(BASE) >= 45, len(DOMAIN) >= 45) == (40, True, True)
    shown = face(language)
    script, data, drawn = (
        packed(body)
        for body in (
            scripts.all_scripts()[f"{RELEASE}/badge.js"],
            json_forms.as_json(shown),
            svg.as_svg(shown),
        )
    )

    assert (data <= 700, drawn <= 600, script <= 1600) == (True, True, True)
    assert script + data + drawn <= 2500


def at_random(letters, number):
    """Draw letters, the same in each run (a linear congruential generator, Knuth's MMIX)."""
    turns = accumulate(
        repeat(number, number),
        lambda one, _: (one * 6364136223846793005 + 1442695040888963407) % 2**64,
    )
    return "".join(letters[(one >> 33) % len(letters)] for one in turns)


def line(letters, number):
    words = at_random(letters, 6000 + number)
    title, name, city, text = words[1:121], words[200:280], words[300:380], words[400:5400]
    day = f"2026-11-{10 + number}"
    return ReviewContent(
        LINE.public_id, 5, LINE.label, title, text, f"{name}, {city}",
        day, LINE.day, LINE.verified_label, "xx", LINE.published_at,
    )  # fmt: skip


@pytest.mark.parametrize("letters", [LATIN, CYRILLIC, CJK], ids=["latin", "cyrillic", "cjk"])
def test_script_and_list_of_the_longest_reviews_there_can_be_are_small(letters):
    """Letters at random: no text that anybody wrote packs worse."""
    data = json_forms.as_reviews(newest(*(line(letters, number) for number in range(5))))

    assert packed(data) + packed(scripts.all_scripts()[f"{RELEASE}/list.js"]) <= 4000
