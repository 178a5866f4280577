"""Write trustsvc/facts/countries.toml and languages.toml from CLDR (Babel) and the time zone data.

    python -m tools.regions /usr/share/zoneinfo/zone.tab

Run it again after an update of Babel or of the time zones, and look at what changed.
"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global

FACTS = Path(__file__).parents[1] / "trustsvc" / "facts"
READ_IN = ("en", "nl", "de", "fr", "es", "it", "pt", "pl")

# Two large languages, and the wrong one offends: the shop's language is used.
NO_ONE_LANGUAGE = {"BE", "CH", "LU", "CA", "AW", "BQ", "CW", "SX"}
MORE_NAMES = {
    "NL": ["holland", "the netherlands", "niederlande", "paysbas"],
    "GB": ["uk", "england", "scotland", "wales", "great britain", "northern ireland"],
    "US": ["usa", "united states of america"],
    "CZ": ["czech republic", "tschechische republik"],
    "GR": ["el"],
    "DE": ["brd"],
    "TR": ["turkey", "türkei", "turkije"],
}
# A language with no short code is read as the one its speakers read, too.
WRITTEN_AS = {
    "gsw": "de",
    "bar": "de",
    "nds": "de",
    "vls": "nl",
    "zea": "nl",
    "gos": "nl",
    "fil": "tl",
}
MORE_LANGUAGES = {"nl": ["vlaams", "flemish", "flämisch", "flamand"], "zh": ["mandarin"]}
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(4 * 366 * 2)]
WINDOW = timedelta(hours=10)  # of 9 to 20 at least one hour is left


def names(of: str, kind: str, own: Iterable[str]) -> list[str]:
    unique = {}
    for language in (*own, *READ_IN):
        try:
            name = getattr(Locale.parse(language), kind).get(of)
        except (UnknownLocaleError, ValueError):
            continue
        if name and name != of:
            unique[name.lower()] = None
    return list(unique)


def zones(table: Path) -> dict[str, list[str]]:
    zones_of: dict[str, list[str]] = {}
    for line in table.read_text().splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones_of.setdefault(country, []).append(zone)
    return zones_of


def extremes(of: list[str]) -> list[str]:
    """Give the fewest zones between whose hours all others are, through two years."""
    offsets = {zone: [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in HOURS] for zone in of}
    low = [min(row) for row in zip(*offsets.values(), strict=True)]
    high = [max(row) for row in zip(*offsets.values(), strict=True)]
    if max(b - a for a, b in zip(low, high, strict=True)) > WINDOW:
        return []
    for number in range(1, len(of) + 1):
        for some in combinations(of, number):
            rows = list(zip(*(offsets[zone] for zone in some), strict=True))
            if [min(row) for row in rows] == low and [max(row) for row in rows] == high:
                return list(some)
    return of


def language_of(country: str) -> str:
    spoken = get_global("territory_languages").get(country, {})
    official = [
        (row["population_percent"], language)
        for language, row in spoken.items()
        if row["official_status"] in {"official", "de_facto_official"} and len(language) == 2
    ]
    if not official or country in NO_ONE_LANGUAGE:
        return ""
    share, language = max(official)
    return language if len(official) == 1 or share >= 85 else ""


def countries(table: Path) -> Iterator[str]:
    long = {
        short[0]: code
        for code, short in get_global("territory_aliases").items()
        if len(code) == 3 and code.isalpha() and len(short) == 1
    }
    by_country = zones(table)
    for code in sorted(set(by_country) | {"XK"}):
        spoken = get_global("territory_languages").get(code, {})
        own = [language for language, row in spoken.items() if row["official_status"]]
        called = names(code, "territories", own) + MORE_NAMES.get(code, [])
        used = by_country.get(code, ["Europe/Belgrade"])
        yield f"[{code}]"
        yield f"names = {listed([long.get(code, '').lower(), *called])}"
        if language := language_of(code):
            yield f'language = "{language}"'
        if chosen := extremes(used):
            yield f'zone = "{"+".join(chosen)}"'
        yield ""


def languages() -> Iterator[str]:
    short = sorted(code for code in Locale("en").languages if len(code) == 2)
    long: dict[str, list[str]] = {}
    for code, written in (get_global("language_aliases") | WRITTEN_AS).items():
        if len(code) == 3:
            long.setdefault(written, []).append(code)
    for code in short:
        called = names(code, "languages", [code]) + MORE_LANGUAGES.get(code, [])
        yield f"{code} = {listed([*sorted(long.get(code, [])), *called])}"


def listed(words: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in dict.fromkeys(words) if word) + "]"


def main() -> None:
    head = "# Written by tools/regions.py from CLDR and the time zone database.\n"
    table = Path(sys.argv[1])
    (FACTS / "countries.toml").write_text(head + "\n".join(countries(table)).rstrip() + "\n")
    (FACTS / "languages.toml").write_text(head + "\n".join(languages()) + "\n")


if __name__ == "__main__":
    main()
