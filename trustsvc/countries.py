"""Countries: found by code or name, with language and time zones. Pure.

The facts are in facts/countries.toml, written by tools/regions.py; they are read once.
"""

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "facts" / "countries.toml"
MAX_NAME = 60
ZONE_SEPARATOR = "+"


@dataclass(frozen=True, slots=True)
class Country:
    """`language` and `zone` are empty where a country has no one answer (Belgium, Antarctica).

    `zone` holds as many names, joined by "+", as it takes to be daytime in all of the country.
    """

    code: str
    language: str = ""
    zone: str = ""


def find(text: str) -> Country | None:
    """Find a country by alpha-2 or alpha-3 code (ISO 3166), or by its name in large languages.

    None for what is unknown or belongs to two countries.
    """
    if len(text) > MAX_NAME:
        return None
    known, codes = _known()
    return known.get(text.strip().upper()) or known.get(codes.get(fold(text), ""))


def zone_of(country: str, locale: str = "") -> str:
    """Give the zone of a country, several joined by "+" where it has several; "" for unknown.

    `country` is the address's, as a code or a name. Without one the country of the locale is used
    (fr-CA). A message that leaves by day in each of the zones leaves by day in all of the country.
    """
    if known := find(country):
        return known.zone
    for part in locale.replace("_", "-").partition(".")[0].split("-")[1:]:
        if len(part) == 2 and (known := find(part)):
            return known.zone
    return ""


def fold(text: str) -> str:
    """Write a name for comparing: no accents, no marks, lower case."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum())


@cache
def _known() -> tuple[dict[str, Country], dict[str, str]]:
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))
    known = {
        code: Country(code, row.get("language", ""), row.get("zone", ""))
        for code, row in rows.items()
    }
    codes: dict[str, str] = {}
    for code, row in rows.items():
        for name in {fold(name) for name in row["names"]}:
            codes[name] = "" if name in codes else code
    return known, codes
