"""What the standard endpoint says of consent: a no counts, wherever it stands. Pure."""

from collections.abc import Sequence

from trustsvc.orders.platforms import fields, refusal, standard_details, standard_fields


def holders(tree: fields.Tree, data: fields.Tree) -> list[fields.Tree]:
    """Give all levels at which a no may stand."""
    outer = tree.get("data")
    return [tree, *([outer] if isinstance(outer, dict) else []), data]


def read(levels: Sequence[fields.Tree]) -> tuple[bool | None, bool]:
    """Read consent and may_ask, and whether they are stated: a no counts, wherever it stands."""
    given = [refusal.answer(one, path) for one in levels for path in standard_fields.CONSENT]
    refused = any(fields.flag(one, path) for one in levels for path in standard_fields.DO_NOT_ASK)
    given += [refusal.in_notes(fields.pairs(one, "attributes")) for one in levels]
    is_tagged = any(refusal.in_tags(standard_details.tags(one)) for one in levels)
    if refused or False in given or is_tagged:
        return False, True
    is_stated = any(has(one, path) for one in levels for path in standard_fields.CONSENT)
    return (True if True in given else None), is_stated


def has(data: fields.Tree, path: str) -> bool:
    """Whether a field stands in the body, also where it is null."""
    above, _, key = path.rpartition(".")
    holder = fields.at(data, above) if above else data
    return isinstance(holder, dict) and key in holder
