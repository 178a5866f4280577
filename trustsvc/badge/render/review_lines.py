"""What the forms are made from that say more than the badge: a shop's newest reviews."""

from dataclasses import dataclass
from datetime import datetime

from trustsvc.badge.render.content import BadgeContent


@dataclass(frozen=True, slots=True)
class ReviewContent:
    """A published review, finished and in the shop's language; its own words in their own."""

    public_id: str
    stars: int
    label: str
    title: str
    text: str
    by: str
    date: str  # of publication, at the shop: the same day for machines and for people
    day: str
    mark: str  # that it is verified, in words; empty when no order stands behind it
    language: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ReviewListContent:
    """A badge, its newest reviews first, and where to read on, complain and object."""

    slug: str
    face: BadgeContent
    language: str
    title: str
    order: str
    all: str
    notice: str
    privacy: str
    feed: str
    tag: str  # begins the lasting name of whatever the feed holds (RFC 4151)
    since: datetime
    lines: tuple[ReviewContent, ...]
