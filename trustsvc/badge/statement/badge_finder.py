"""Find every badge in a page of HTML, which may be hostile. Pure.

A badge is one of our elements: `<review-badge shop=…>`, `<review-list>`, or `<review-badge-html>`
of the fragment. Its services are those of the scripts of its kind on the page. Without such a
script they are those that it loads from or links to inside. Anything loaded from
`/badge/v1/<shop>…`, such as an image or a frame, is a badge too. Scripts are not run, so a badge
written by another script is not found.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain

from trustsvc.badge.statement.badge_addresses import (
    joined,
    linked_shop,
    origin_of,
    path_of,
    shop_of,
)

PRINTED = "review-badge-html"  # written by render/snippets.py
# The scripts that define each of our elements.
SCRIPTS = {
    "review-badge": re.compile(r"/embed/(?:v1|[0-9A-Za-z.-]{1,64}/badge)\.m?js"),
    "review-list": re.compile(r"/embed/(?:v1-list|[0-9A-Za-z.-]{1,64}/list)\.m?js"),
    PRINTED: None,
}
SLUG = re.compile(r"[a-z0-9-]{1,80}")
LOADS = ("src", "srcset", "data", "data-src", "data-srcset", "poster")
LABELS = ("alt", "title", "aria-label")
MAX_BADGES = 20  # different badges in one page
MAX_TEXTS = 4000
# More than any page of 2 MiB that a shop's system makes; each is half a second's work at most.
MAX_TAGS = 50_000
MAX_ENTITIES = 200_000
MAX_ATTRIBUTES = 120_000
MAX_ADDRESSES = 8_000  # that may be of ours
MAX_BADGE_TEXT = 400_000
_BETWEEN_ATTRIBUTES = ("=", "/", " ", "\t", "\n", "\r", "\f")
_OURS = ("badge", "embed")  # in the path of all that we serve for a page to load


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge: its service (empty if none is named), shop and texts."""

    origin: str
    shop: str
    words: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # texts at the element's score
    printed: tuple[str, ...] = ()  # each text of the fragment with a digit; all are ours


@dataclass(slots=True)
class _Element:
    tag: str
    shop: str
    words: list[str] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    # Origins of what is loaded for the shop inside, and of links to its page.
    origins: dict[str, None] = field(default_factory=dict)

    def add_text(self, text: str, *, has_digit: bool, is_score: bool = False) -> None:
        if self.tag == PRINTED and has_digit:
            self.printed.append(text)
        elif len(self.words) < MAX_TEXTS:
            (self.scores if is_score else self.words).append(text[:MAX_TEXTS])

    def add_origin(self, shop: str, origin: str) -> None:
        """Add a service named inside; an element without a shop takes the first one."""
        self.shop = self.shop or shop
        if self.shop == shop:
            self.origins[origin] = None


class TooManyBadges(ValueError):
    """More different badges than a real page has."""


class PageTooLarge(ValueError):
    """More tags, attributes, addresses or text in badges than a real page has."""


def find_badges(html: str, address: str) -> list[Badge]:
    """Find the badges of a page loaded from an address; raises TooManyBadges and PageTooLarge.

    Tags not closed when the page ends are ignored, as by a browser; searching for their ends would
    take hours on some pages.
    """
    if html.count("<") > MAX_TAGS or html.count("&") > MAX_ENTITIES:
        raise PageTooLarge
    reader = _Reader(address)
    reader.feed(html)
    elements = (one for element in reader.elements for one in _of_element(element, reader))
    texts_of: dict[tuple[str, str], tuple[list[str], list[str], list[str]]] = {}
    for badge in chain(elements, reader.images):
        texts = texts_of.setdefault((badge.origin, badge.shop), ([], [], []))
        texts[0].extend(badge.words)
        texts[1].extend(badge.scores)
        texts[2].extend(badge.printed)
        if len(texts_of) > MAX_BADGES:
            raise TooManyBadges
    return [Badge(*key, *map(tuple, texts)) for key, texts in texts_of.items()]


def _of_element(element: _Element, reader: "_Reader") -> Iterable[Badge]:
    """One badge for each service whose script is on the page: the page decides which runs first.

    Without a script the element's content counts.
    """
    shop = element.shop if SLUG.fullmatch(element.shop) else ""
    texts = (tuple(element.words), tuple(element.scores), tuple(element.printed))
    for origin in reader.scripts[element.tag] or element.origins or {"": None}:
        yield Badge(origin, shop, *texts)


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.elements: list[_Element] = []
        self.images: list[Badge] = []
        self.scripts: dict[str, dict[str, None]] = {tag: {} for tag in SCRIPTS}
        self._open: list[_Element] = []  # elements may be nested
        self._score_of = ""
        self._based = False
        self._has_our_base = _may_be_ours(path_of(address))
        self._attributes = self._addresses = self._text = 0

    def parse_starttag(self, i: int) -> int:
        """Count what stands between attributes first: each costs as much as a tag."""
        end = self.check_for_whole_start_tag(i)
        if end < 0:
            return end
        signs = (self.rawdata.count(sign, i, end) for sign in _BETWEEN_ATTRIBUTES)
        self._attributes += sum(signs)
        _require(self._attributes <= MAX_ATTRIBUTES)
        return super().parse_starttag(i)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first one counts
        if tag == "base" and given.get("href") and not self._based:
            self.address, self._based = joined(self.address, given["href"]), True
            self._has_our_base = _may_be_ours(path_of(self.address))
        if tag in SCRIPTS:
            if len(self._open) >= MAX_BADGES:
                raise TooManyBadges
            self._open.append(_Element(tag, given.get("shop", "")))
            self.elements.append(self._open[-1])
        words = [given[name][:MAX_TEXTS] for name in LABELS if given.get(name)]
        for one in words:
            self._add_text(one)
        if self._open and "score" in given.get("part", "").split():
            self._score_of = tag
        self._add_loaded(tag, given, words)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read `<x/>` as a browser does: what follows is inside it."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._score_of:
            self._score_of = ""
        if any(one.tag == tag for one in self._open):
            while self._open.pop().tag != tag:
                pass
            self._score_of = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self._add_text(data, is_score=bool(self._score_of))

    def _add_text(self, text: str, *, is_score: bool = False) -> None:
        in_fragment = any(element.tag == PRINTED for element in self._open)
        self._text += (len(text) if in_fragment else min(len(text), MAX_TEXTS)) * len(self._open)
        _require(self._text <= MAX_BADGE_TEXT)
        has_digit = in_fragment and any(map(str.isnumeric, text))
        for element in self._open:
            element.add_text(text, has_digit=has_digit, is_score=is_score)

    def parse_html_declaration(self, i: int) -> int:
        """Read `<!…>` as a browser does; the library's parser raises for some of them."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            end = self.rawdata.find(">", i)
            return end + 1 if end >= 0 else -1

    def _add_loaded(self, tag: str, given: dict[str, str], words: list[str]) -> None:
        for name in LOADS:
            value = given.get(name, "")
            if not (value and (self._has_our_base or _may_be_ours(value))):
                continue
            for one in value.split(",", MAX_ADDRESSES) if "srcset" in name else [value]:
                where = next(iter(one.split(None, 1)), "")
                if not where or not (self._has_our_base or _may_be_ours(where)):
                    continue
                address = self._joined(where)
                if tag == "script":
                    self._add_script(address)
                elif shop := shop_of(address):
                    self.images.append(Badge(origin_of(address), shop, tuple(words)))
                    self._add_origin(shop, address)
        if self._open and tag == "a" and given.get("href"):
            address = self._joined(given["href"])
            if shop := linked_shop(address):
                self._add_origin(shop, address)

    def _add_script(self, address: str) -> None:
        for tag, script in SCRIPTS.items():
            if script and script.fullmatch(path_of(address)):
                self.scripts[tag][origin_of(address)] = None
                if len(self.scripts[tag]) > MAX_BADGES:
                    raise TooManyBadges

    def _add_origin(self, shop: str, address: str) -> None:
        origin = origin_of(address) if self._open else ""
        for element in self._open:
            element.add_origin(shop, origin)
            if len(element.origins) > MAX_BADGES:
                raise TooManyBadges

    def _joined(self, where: str) -> str:
        self._addresses += 1
        _require(self._addresses <= MAX_ADDRESSES)
        return joined(self.address, where)


def _may_be_ours(address: str) -> bool:
    return any(word in address for word in _OURS)


def _require(within: bool) -> None:
    if not within:
        raise PageTooLarge
