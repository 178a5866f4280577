"""Which markers may be where, and which were found where they must not be. Pure."""

from collections import Counter

BEFORE, ERASED, DAYS_LATER = "while it runs", "after erasure", "four days later"
STAGES = (BEFORE, ERASED, DAYS_LATER)
CONTROL = "planted"
NAMES = {
    "zqxqmail": "address",
    "zqxqname": "name",
    "zqxqmore": "extra field",
    "zqxqshow": "published name or city",
    "zqxqtext": "published words",
    "zqxqself": "name or city for the shop alone",
    "zqxqpriv": "words for the shop alone",
}
IN_INVITATIONS = ("zqxqmail", "zqxqname")
IN_ANSWERS = (
    *IN_INVITATIONS,
    "zqxqshow",
    "zqxqself",
)  # after erasure of the order the greeting uses the author's name
PUBLISHED = ("zqxqshow", "zqxqtext")
# In clear and at that stage only; nothing else may be found.
ALLOWED = {
    BEFORE: {
        "invitations in the maildir": IN_INVITATIONS,
        "transactional mail in the maildir": IN_ANSWERS,
        "mail sent": IN_ANSWERS,
        "commands to the mail server": ("zqxqmail",),
        "data folder": PUBLISHED,
        "public files": PUBLISHED,
        "database server": PUBLISHED,
        "backup": PUBLISHED,
    },
    ERASED: {"transactional mail in the maildir": IN_ANSWERS},
}


def verdict(found):
    """List markers that must not be where they are, and planted ones that were not found."""
    wrong = [
        (stage, place, kind, how)
        for stage in STAGES
        for place, hits in found.get(stage, {}).items()
        for kind, how in _flat(hits)
        if kind not in ALLOWED.get(stage, {}).get(place, ())
    ]
    planted = found.get(CONTROL, {})
    return wrong + [
        (CONTROL, place, "zqxqmore", "not found")
        for place in dict.fromkeys([*found.get(BEFORE, {}), *planted])
        if not planted.get(place)
    ]


def table(found):
    """Render how many markers of each kind were where, and whether the planted one was found."""
    places = list(dict.fromkeys(place for one in found.values() for place in one)) or ["nowhere"]
    lines = [f"| searched | {' | '.join(STAGES)} | {CONTROL} |", "|---|---|---|---|---|"]
    for place in places:
        cells = []
        for hits in (found[stage].get(place, {}) for stage in STAGES):
            times = Counter()
            for (kind, _), number in _flat(hits).items():
                times[NAMES[kind]] += number
            cells.append(", ".join(f"{name} {n}" for name, n in sorted(times.items())) or "0")
        cells.append("found" if found[CONTROL].get(place) else "NOT FOUND")
        lines.append(f"| {place} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _flat(hits):
    """Give the counts of a place, summed over its files if it is a folder."""
    if isinstance(hits, Counter):
        return hits
    total = Counter()
    for one in hits.values():
        total += one
    return total
