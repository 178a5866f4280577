"""What each field of the standard endpoint says of skipping, of dates and of consent. Pure.

A body states only some fields; what it leaves out keeps what an earlier one stated.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from trustsvc.orders import skip
from trustsvc.orders.platforms import amounts, dates, fields, refusal, standard_fields

TRAITS = {"pos", "draft", "wholesale", "gift-card", "marketplace", "test-gateway"}  # tag or channel


def details(
    data: fields.Tree, events: Iterable[str], total: Iterable[str], now: datetime
) -> dict[str, frozenset[str]]:
    """Give what each field that is stated tells (docs/how-to/skip.md).

    `events` are those whose moment is the message's own, `total` the names of the total.
    """
    stated_traits = dict(_unreadable_dates(data, events, now))
    if channel := fields.word(data, *standard_fields.CHANNEL):
        stated_traits["channel"] = frozenset({channel} & TRAITS)
    if any(fields.at(data, path) is not None for path in standard_fields.TAGS):
        found = tags(data)
        stated_traits["tags"] = frozenset((found & TRAITS) | {f"tag:{tag}" for tag in found})
    if (is_renewal := fields.flag(data, *standard_fields.RENEWAL)) is not None:
        stated_traits["renewal"] = frozenset({skip.RENEWAL} if is_renewal else ())
    if (whole := amounts.amount(data, *total)) is not None:
        stated_traits["total"] = frozenset({"zero-total"} if whole == 0 else ())
    return stated_traits


def tags(data: fields.Tree) -> set[str]:
    return fields.tags(data, *standard_fields.TAGS)


def _unreadable_dates(
    data: fields.Tree, events: Iterable[str], now: datetime
) -> Iterator[tuple[str, frozenset[str]]]:
    """Say of each date that is stated whether it could be read."""
    own = {event: (*names, *standard_fields.MOMENT) for event, names in _dates() if event in events}
    for name, names in [*_dates(), ("moment", standard_fields.MOMENT)]:
        stated = [one for one in own.get(name, names) if not dates.is_missing(data.get(one))]
        if stated:
            unreadable = any(fields.has_unreadable_moment(data, now, one) for one in stated)
            yield f"date_{name}", frozenset({skip.DATE_UNREADABLE} if unreadable else ())
    if any(not dates.is_missing(data.get(one)) for one in standard_fields.MODIFIED_AT):
        unreadable = fields.has_garbled_moment(data, *standard_fields.MODIFIED_AT)
        yield "date_modified", frozenset({skip.DATE_UNREADABLE} if unreadable else ())


def _dates() -> Iterable[tuple[str, tuple[str, ...]]]:
    return standard_fields.EVENT_AT.items()


def consent_levels(tree: fields.Tree, data: fields.Tree) -> list[fields.Tree]:
    """Give all levels at which a no may stand."""
    outer = tree.get("data")
    return [tree, *([outer] if isinstance(outer, dict) else []), data]


def consent(levels: Sequence[fields.Tree]) -> tuple[bool | None, bool]:
    """Read consent and may_ask, and whether they are stated: a no counts, wherever it stands."""
    given = [refusal.answer(one, path) for one in levels for path in standard_fields.CONSENT]
    refused = any(fields.flag(one, path) for one in levels for path in standard_fields.DO_NOT_ASK)
    given += [refusal.in_notes(fields.pairs(one, "attributes")) for one in levels]
    is_tagged = any(refusal.in_tags(tags(one)) for one in levels)
    if refused or False in given or is_tagged:
        return False, True
    is_stated = any(states_field(one, path) for one in levels for path in standard_fields.CONSENT)
    return (True if True in given else None), is_stated


def states_field(data: fields.Tree, path: str) -> bool:
    """Whether a field stands in the body, also where it is null."""
    above, _, key = path.rpartition(".")
    holder = fields.at(data, above) if above else data
    return isinstance(holder, dict) and key in holder
