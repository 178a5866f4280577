"""Read the buyer's language from what shops' platforms and translation plug-ins write. Pure."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from trustsvc import countries

FILE = Path(countries.FILE).with_name("languages.toml")
MAX_LENGTH = 40
_PARTS = re.compile(r"[A-Za-z0-9]{1,20}([-_][A-Za-z0-9]{1,20}){0,6}", re.ASCII)
_AFTER = re.compile(r"[.,;@(\[].*", re.DOTALL)  # nl_NL.UTF-8, nl_NL@euro, nl;q=0.9, Deutsch (Sie)
_NO_LANGUAGE = {"", "und", "mul", "zxx", "mis", "root"}


def locale_of(candidates: Iterable[str], country: str) -> str:
    """Give a language, with a country where the candidate names one: `nl` or `nl-BE`.

    The first candidate that can be read wins; without one it is the language of the country. The
    country is part of the buyer's address, so the locale does not name it. Gives "" where nothing
    is known, so that the shop's language is used. So it does in Belgium, Switzerland, Luxembourg
    and Canada, where the wrong one of two languages offends.
    """
    for candidate in candidates:
        if read := _locale(candidate):
            return read
    found = countries.find(country)
    return found.language if found else ""


def _locale(text: str) -> str:
    if len(text) > MAX_LENGTH:
        return ""
    kept = _AFTER.sub("", text).strip()
    known = _languages()
    if named := known.get(countries.fold(kept)) if len(kept) > 1 else None:
        return named
    if not _PARTS.fullmatch(kept):
        return ""
    first, *rest = re.split("[-_]", kept)
    language = known.get(countries.fold(first), "")
    if not language:
        return ""
    # After -x- or -u- nothing is a country: de-x-at, nl-u-co-standard.
    until = next((number for number, part in enumerate(rest) if len(part) == 1), len(rest))
    country = next((found for part in rest[:until] if (found := _country(part))), "")
    return f"{language}-{country}" if country else language


def _country(part: str) -> str:
    if len(part) not in {2, 3} or not part.isalpha():
        return ""
    found = countries.find(part)
    return found.code if found else ""


@cache
def _languages() -> dict[str, str]:
    """Give the ISO 639-1 code by code and name; a name of two languages is none."""
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))
    known: dict[str, str] = {}
    for code, names in rows.items():
        for name in {countries.fold(name) for name in names} - _NO_LANGUAGE:
            known[name] = "" if known.get(name, code) != code else code
    return known | {code: code for code in rows}
