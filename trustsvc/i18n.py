"""Translations: the catalogues of templates/words, dates, numbers and message templates.

A catalogue is a TOML file for a package and language, `templates/words/<language>/<package>.toml`;
templates use it with `translate("<package>.<key>", "nl", shop="…")`. All languages have the same
keys and the same placeholders (tests/test_i18n.py).
"""

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

if TYPE_CHECKING:  # most commands write no message and no date
    import jinja2

LANGUAGES = ("nl", "de", "en", "fr")
FALLBACK = "en"


@cache
def folder() -> Path:
    """Find the templates: beside the package in a checkout, inside it in a wheel."""
    here = Path(__file__).parent
    beside = here.parent / "templates"
    return beside if beside.is_dir() else here / "_templates"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Read the words of a language as flat keys, such as reviews.form.stars."""
    words: dict[str, str] = {}
    for path in sorted((folder() / "words" / language).glob("*.toml")):
        with path.open("rb") as file:
            words.update(_flat(tomllib.load(file), f"{path.stem}."))
    return words


def _flat(tree: Mapping[str, Any], path: str = "") -> list[tuple[str, str]]:
    entries: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            entries += _flat(value, f"{path}{key}.")
        else:
            entries.append((f"{path}{key}", str(value).strip()))
    return entries


def translate(key: str, language: str, **values: object) -> str:
    """Translate a key; with `count` the CLDR plural form is taken (key.one …)."""
    words = catalogue(language)
    if "count" in values:
        from babel import numbers

        form = _plural_rule(language)(int(str(values["count"])))
        key = f"{key}.{form}" if f"{key}.{form}" in words else f"{key}.other"
        values["count"] = numbers.format_decimal(int(str(values["count"])), locale=language)
    return words[key].format(**values)


@cache
def _plural_rule(language: str) -> Callable[[float], str]:
    """Compile the CLDR plural rule of a language: a millisecond, so once a process."""
    from babel import Locale, plural

    return plural.to_python(Locale.parse(language).plural_form)


def translate_html(key: str, language: str, **values: object) -> Markup:
    """Translate a key for a page: values are escaped, the catalogue's own tags stay."""
    return Markup(translate(key, language, **{k: _escape(v) for k, v in values.items()}))  # noqa: S704


def _escape(value: object) -> object:
    return value if isinstance(value, int) else escape(value)


def negotiate_language(*preferences: str | None) -> str:
    """Choose the first supported language of locales (nl-BE, de_DE) or Accept-Language headers."""
    for preference in preferences:
        for part in (preference or "").split(","):
            language = part.partition(";")[0].strip().replace("_", "-").partition("-")[0].lower()
            if language in LANGUAGES:
                return language
    return FALLBACK


def format_date(moment: datetime, language: str, zone: str = "UTC") -> str:
    """Format a date in a language: 21 november 2026."""
    from babel import dates

    return dates.format_date(moment.astimezone(ZoneInfo(zone)), "long", locale=language)


def format_decimal(number: float, language: str) -> str:
    """Format a number with one decimal: 4,6."""
    from babel import numbers

    return numbers.format_decimal(round(number, 1), "0.0", locale=language)


def format_integer(number: int, language: str) -> str:
    """Format a whole number: 1.234."""
    from babel import numbers

    return numbers.format_decimal(number, locale=language)


@cache
def environment() -> "jinja2.Environment":
    """Give the environment of message templates; html is escaped, text is not."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder()),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_message(name: str, language: str, **values: object) -> tuple[str, str, str]:
    """Render a message: (subject, text, html) from templates/<package>/<message>/<language>/."""
    place = f"{name}/{language}"
    get = environment().get_template
    subject, text, html = (
        get(f"{place}/{part}").render(**values) for part in ("subject.txt", "body.txt", "body.html")
    )
    return subject.strip(), text, html
