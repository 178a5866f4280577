"""What a review may hold, and what it may be rejected for. Pure."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from trustsvc import input_limits

MAX_LENGTHS = {"title": 120, "text": 5000, "name": 80, "city": 80}
MAX_REPLY = 2000
LOOKED_AT = 4  # times its length: what is beyond that is too long, whatever is cleaned away
MIN_SECRET_LENGTH = 4  # an order number as short as a price or a size is no secret to look for
MAX_COMBINING_MARKS = 4  # combining marks in a row; more is zalgo, which climbs over its neighbours

# The version of the words at the choice (reviews.form.consent); a new wording is a new number.
CONSENT_WORDING = "2"

# Why a review may be rejected (words: reviews.reason.*). None is about stars: there is no gating.
REASONS = (
    "spam",
    "personal_data",
    "not_about_the_shop",
    "unlawful",
    "insult",
    "fake",
    "duplicate",
)

_NEW_LINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_JOINERS = re.compile("[\u200c\u200d]{2,}")
_BLANKS = frozenset("\t\u00a0\u115f\u1160\u2800\u3164\uffa0")  # characters that look like nothing
_JOINERS_KEPT = frozenset("\u200c\u200d")  # Persian and emoji need the joiners
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co"})


@dataclass(frozen=True, slots=True)
class ReviewInput:
    """An author's input, cleaned and within bounds."""

    stars: int
    title: str
    text: str
    name: str
    city: str
    consent: bool

    def __repr__(self) -> str:
        return "ReviewInput(…)"


@dataclass(frozen=True, slots=True)
class ReviewForm:
    """A form as it was filled in: values to show again, and what is wrong with a field, by code."""

    values: dict[str, str]
    problems: dict[str, str]
    author_input: ReviewInput | None

    def __repr__(self) -> str:
        return f"ReviewForm(problems={self.problems})"


def read_form(form: Mapping[str, str]) -> ReviewForm:
    """Read a form; unknown fields are ignored. Problems: missing, long.

    Whether it is published is asked without a default: neither answer is the tick nobody saw.
    """
    values = {
        field: clean(form.get(field, "")[: LOOKED_AT * most], lines=field == "text")
        for field, most in MAX_LENGTHS.items()
    }
    values["stars"] = form.get("stars", "") if is_stars(form.get("stars", "")) else ""
    consent = form.get("consent", "")
    values["consent"] = {"yes": "yes", "1": "yes", "no": "no"}.get(consent, "")
    problems = {field: "long" for field, most in MAX_LENGTHS.items() if len(values[field]) > most}
    problems |= {field: "missing" for field in ("stars", "name", "consent") if not values[field]}
    if problems:
        return ReviewForm(values, problems, None)
    texts = {field: values[field] for field in MAX_LENGTHS}
    given = ReviewInput(stars=int(values["stars"]), consent=values["consent"] == "yes", **texts)
    return ReviewForm(values, {}, given)


def is_stars(text: str) -> bool:
    """Whether it is a whole number of stars from 1 to 5, written as one plain digit."""
    return len(text) == 1 and text in "12345"


def clean(text: str, *, lines: bool = False) -> str:
    """Remove what no reader should see: controls, direction overrides, hidden text, zalgo."""
    text = input_limits.bounded(text)
    kept = "".join(map(_one, _NEW_LINES.sub("\n", text)))
    text = unicodedata.normalize("NFC", input_limits.stream_safe(kept))
    text = text if text.isascii() else _few_marks(text)
    rows = [" ".join(row.split()) for row in _JOINERS.sub("\u200d", text).split("\n")]
    rows = ["" if not row.strip("\u200c\u200d ") else row for row in rows]
    if not lines:
        return " ".join(row for row in rows if row)
    return re.sub("\n{3,}", "\n\n", "\n".join(rows)).strip("\n")


def reply_problem(text: str, secrets: Collection[str]) -> str:
    """Return a reply's problem as a code, or "": missing, long, names_the_buyer.

    `secrets` are the address and the order number behind the review: neither may become public.
    """
    if not text:
        return "missing"
    if len(text) > MAX_REPLY:
        return "long"
    folded = text.casefold()
    for secret in secrets:
        whole = rf"(?<!\w){re.escape(secret.casefold())}(?!\w)"
        if len(secret) >= MIN_SECRET_LENGTH and re.search(whole, folded):
            return "names_the_buyer"
    return ""


@lru_cache(maxsize=4096)
def _one(character: str) -> str:
    if character == "\n" or character in _JOINERS_KEPT:
        return character
    kind = unicodedata.category(character)
    if character in _BLANKS or kind == "Zs":
        return " "
    is_no_character = ord(character) & 0xFFFE == 0xFFFE
    return "" if kind in _DROPPED or is_no_character else character


def _few_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        if _is_mark(character):
            marks += 1
        elif character not in _JOINERS_KEPT:  # a joiner between marks does not start a new pile
            marks = 0
        if marks <= MAX_COMBINING_MARKS:
            kept.append(character)
    return "".join(kept)


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Me"}


def public_name(full: str) -> str:
    """Suggest how a buyer is named in public: first name and initial of the last name."""
    words = clean(full).split()
    if len(words) < 2:
        return "".join(words)[: MAX_LENGTHS["name"]]
    return f"{words[0]} {words[-1][0].upper()}."[: MAX_LENGTHS["name"]]
