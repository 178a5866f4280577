"""Find every badge in a page of HTML, which may be hostile. Pure.

A badge is one of our elements (`<review-badge shop=…>`, `<review-list>`, the fragment's
`<review-badge-html>`) with each script of its kind on the page, else with each service that it
loads from or links to inside; or anything loaded from `/badge/v1/<shop>…`, such as an image or a
frame. Scripts are not run, so a badge written by another script is not found.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain
from urllib.parse import urljoin, urlsplit

PRINTED = "review-badge-html"  # written by render/snippets.py
# The scripts that define each of our elements.
SCRIPTS = {
    "review-badge": re.compile(r"/embed/(?:v1|[0-9A-Za-z.-]{1,64}/badge)\.m?js"),
    "review-list": re.compile(r"/embed/(?:v1-list|[0-9A-Za-z.-]{1,64}/list)\.m?js"),
    PRINTED: None,
}
IMAGE = re.compile(r"/badge/v1/([a-z0-9-]{1,80})(?:[./].*)?")
LINK = re.compile(r"/s/([a-z0-9-]{1,80})")
SLUG = re.compile(r"[a-z0-9-]{1,80}")
LOADS = ("src", "srcset", "data", "data-src", "data-srcset", "poster")
LABELS = ("alt", "title", "aria-label")
MAX_BADGES = 20  # different badges in one page
MAX_TEXTS = 4000


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

    def add_text(self, text: str, *, is_score: bool = False) -> None:
        if self.tag == PRINTED and any(char.isnumeric() for char in text):
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


def find_badges(html: str, address: str) -> list[Badge]:
    """Find the badges of a page loaded from an address; raises TooManyBadges.

    Tags not closed when the page ends are ignored, as by a browser; searching for their ends would
    take hours on some pages.
    """
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


def shop_of(address: str) -> str:
    """The shop whose badge is at an address; empty if it is no badge."""
    shop = IMAGE.fullmatch(_path(address))
    return shop[1] if shop else ""


def origin_of(address: str) -> str:
    """Scheme, host and port, normalised (RFC 6454); empty without them."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    plain = re.fullmatch(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}", host)
    if parts.scheme not in {"http", "https"} or not plain:
        return ""
    netloc = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{netloc}" + (f":{port}" if port not in {None, usual} else "")


def _of_element(element: _Element, reader: "_Reader") -> Iterable[Badge]:
    """One badge for each service whose script is on the page: the page decides which runs first.

    Without a script the element's content counts.
    """
    shop = element.shop if SLUG.fullmatch(element.shop) else ""
    texts = (tuple(element.words), tuple(element.scores), tuple(element.printed))
    for origin in reader.scripts[element.tag] or element.origins or {"": None}:
        yield Badge(origin, shop, *texts)


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first one counts
        if tag == "base" and given.get("href") and not self._based:
            self.address, self._based = self._joined(given["href"]), True
        if tag in SCRIPTS:
            if len(self._open) >= MAX_BADGES:
                raise TooManyBadges
            self._open.append(_Element(tag, given.get("shop", "")))
            self.elements.append(self._open[-1])
        words = [given[name][:MAX_TEXTS] for name in LABELS if given.get(name)]
        for element in self._open:
            for one in words:
                element.add_text(one)
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
        for element in self._open:
            element.add_text(data, is_score=bool(self._score_of))

    def parse_html_declaration(self, i: int) -> int:
        """Read `<!…>` as a browser does; the library's parser raises for some of them."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            end = self.rawdata.find(">", i)
            return end + 1 if end >= 0 else -1

    def _add_loaded(self, tag: str, given: dict[str, str], words: list[str]) -> None:
        for name in LOADS:
            for one in (
                given.get(name, "").split(",") if "srcset" in name else [given.get(name, "")]
            ):
                where = one.split()[0] if one.split() else ""
                if not where:
                    continue
                address = self._joined(where)
                if tag == "script":
                    self._add_script(address)
                elif shop := shop_of(address):
                    self.images.append(Badge(origin_of(address), shop, tuple(words)))
                    self._add_origin(shop, address)
        if self._open and tag == "a" and given.get("href"):
            address = self._joined(given["href"])
            if link := LINK.fullmatch(_path(address)):
                self._add_origin(link[1], address)

    def _add_script(self, address: str) -> None:
        for tag, script in SCRIPTS.items():
            if script and script.fullmatch(_path(address)):
                self.scripts[tag][origin_of(address)] = None
                if len(self.scripts[tag]) > MAX_BADGES:
                    raise TooManyBadges

    def _add_origin(self, shop: str, address: str) -> None:
        for element in self._open:
            element.add_origin(shop, origin_of(address))
            if len(element.origins) > MAX_BADGES:
                raise TooManyBadges

    def _joined(self, where: str) -> str:
        try:
            return urljoin(self.address, where)
        except ValueError:
            return ""
