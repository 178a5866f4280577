"""What every form of the badge is rendered from."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BadgeContent:
    """A badge's finished texts, in the shop's language."""

    score: str
    count: str
    label: str
    url: str
    mean: float
    reviews: int
    sealed: bool
    proof: str = ""  # the signed statement; empty where the seal does not hold
    notice: str = ""  # URL of the privacy notice's section on objecting
    privacy: str = ""  # text of the link to it


@dataclass(frozen=True, slots=True)
class ReviewContent:
    """A published review with labels in the shop's language; title and text in their own."""

    public_id: str
    stars: int
    label: str
    title: str
    text: str
    by: str
    date: str  # of publication in the shop's time zone, ISO 8601
    day: str  # the same date for people
    verified_label: str  # empty when no order stands behind the review
    language: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewListContent:
    """A badge, its reviews (newest first), and links to read on, complain and object."""

    slug: str
    badge: BadgeContent
    language: str
    title: str
    order: str
    all: str
    notice: str
    privacy: str
    feed: str
    tag: str  # prefix of the permanent ids in the feed (RFC 4151)
    since: datetime
    lines: tuple[ReviewContent, ...]
