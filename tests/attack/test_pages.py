"""A page that verify-badge reads costs at most a second of CPU, whatever it is.

trustsvc/badge/statement/badge_addresses.py and badge_finder.py, on pages of 2 MiB.
"""

import pytest

from tests.attack import cpu, hostile
from trustsvc.badge.statement import badge_addresses, badge_finder, verify
from trustsvc.http import client

pytestmark = pytest.mark.slow

PAGE_S = 1.0
ADDRESS = "https://shop.example/"
NESTED = "<review-badge-html shop=a>" * 19


def text(piece, size=verify.MAX_PAGE_BYTES):
    return hostile.text(piece, size)


PAGES = {
    "marks in an address": lambda: f'<img src="//{text(hostile.MARKS)}/badge/v1/a.json">',
    "marks by entities": lambda: f'<img src="//{text("&#768;&#789;")}/badge/v1/a.json">',
    "marks in a base": lambda: f'<base href="//{text(hostile.MARKS)}"><img src=/badge/v1/a.json>',
    "marks in a link": lambda: f'{NESTED}<a href="//{text(hostile.MARKS)}/s/a">',
    "many addresses": lambda: f'<img srcset="badge{text("a,")}">',
    "many badges": lambda: text("<img src=/badge/v1/a.json>"),
    "almost too many badges": lambda: "<img src=/badge/v1/a.json>" * 7_900,
    "signs of tags": lambda: text("<"),
    "almost too many attributes": lambda: f"<img {'a ' * 110_000}>",
    "open tags": lambda: text("<a "),
    "an open attribute": lambda: "<a " + text("= "),
    "almost too many texts in badges": lambda: NESTED + "1<b>" * 20_000,
    "digits in a badge": lambda: f"{NESTED}{'1' * 20_000}</review-badge-html>",
    "links in badges": lambda: NESTED + "<a href=/s/a>" * 7_900,
    "entities": lambda: text("&ab", 590_000) + "<b>",
    "declarations": lambda: text("<![CDATA["),
    "a base": lambda: f'<base href="//{"a" * 1_000_000}/">' + "<img src=badge>" * 40_000,
}


def find(page):
    try:
        return badge_finder.find_badges(page[: verify.MAX_PAGE_BYTES], ADDRESS)
    except (badge_finder.TooManyBadges, badge_finder.PageTooLarge) as refused:
        return refused


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_within_a_second(name):
    page = PAGES[name]()
    cpu.require(name, lambda: find(page), 0, PAGE_S)


@pytest.mark.parametrize("piece", ["1", "4.6 of 5 "])
def test_what_a_badge_shows_is_compared_within_a_second(piece):
    shown = verify.BadgeJson("4.6", "1 review", "4.6 of 5 from 1 review")
    badge = badge_finder.Badge(ADDRESS, "a", words=(piece * (400_000 // len(piece)),))
    cpu.require(piece, lambda: verify._page_matches(badge, shown), 0, PAGE_S)


@pytest.mark.parametrize("piece", [hostile.MARKS, "a.", "é.", "["])
def test_an_address_is_read_within_50_ms(piece):
    for address in (f"https://{text(piece)}/", f"https://{text(piece, 1900)}/"):
        cpu.require(piece, lambda a=address: badge_addresses.origin_of(a))
        cpu.require(piece, lambda a=address: badge_addresses.joined(a, a))
        with pytest.raises(client.Unreachable):
            cpu.require(piece, lambda a=address: verify.normalise_address(a))
