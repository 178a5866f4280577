import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trustsvc.orders.platforms.locales import locale_of


@pytest.mark.parametrize(
    ("written", "locale"),
    [
        ("nl", "nl"),
        ("NL", "nl"),
        ("nl_NL", "nl-NL"),
        ("nl-BE", "nl-BE"),
        ("DE_de", "de-DE"),
        ("nl_NL.UTF-8", "nl-NL"),
        ("nl_NL@euro", "nl-NL"),
        ("nl_NL_formal", "nl-NL"),
        ("de_CH_informal", "de-CH"),
        ("de-x-formal", "de"),
        ("de-x-at", "de"),
        ("zh-Hant-TW", "zh-TW"),
        ("es-419", "es"),
        ("en_001", "en"),
        ("sr_RS@latin", "sr-RS"),
        ("nl-NL,nl;q=0.9,en", "nl-NL"),
        ("nld", "nl"),
        ("dut", "nl"),
        ("deu", "de"),
        ("ger", "de"),
        ("fra", "fr"),
        ("fre", "fr"),
        ("eng", "en"),
        ("fry", "fy"),
        ("gsw", "de"),
        ("nld-NLD", "nl-NL"),
        ("Dutch", "nl"),
        ("Nederlands", "nl"),
        ("NEDERLANDS", "nl"),
        ("Vlaams", "nl"),
        ("Deutsch", "de"),
        ("Deutsch (Sie)", "de"),
        ("deutsch_sie", "de"),
        ("Français", "fr"),
        ("francais", "fr"),
        ("English (US)", "en"),
        (" nl_NL ", "nl-NL"),
        ("", ""),
        ("C", ""),
        ("POSIX", ""),
        ("und", ""),
        ("xx-YY", ""),
        ("1", ""),
        ("<script>", ""),
        ("nl-NL; Jan de Vries", "nl-NL"),
        ("Jan de Vries", ""),
        ("n" * 10**6, ""),
    ],
)
def test_a_language_is_read_as_platforms_and_plug_ins_write_it(written, locale):
    assert locale_of([written], "") == locale


def test_the_first_that_can_be_read_wins():
    assert locale_of(["", "default", "fr_FR", "nl"], "NL") == "fr-FR"


@pytest.mark.parametrize(
    ("country", "language"),
    [
        ("NL", "nl"),
        ("NLD", "nl"),
        ("Netherlands", "nl"),
        ("Nederland", "nl"),
        ("SR", "nl"),
        ("DE", "de"),
        ("AT", "de"),
        ("LI", "de"),
        ("FR", "fr"),
        ("MC", "fr"),
        ("GB", "en"),
        ("IE", "en"),
        ("PL", "pl"),
        # Two languages, one of which offends.
        ("BE", ""),
        ("CH", ""),
        ("LU", ""),
        ("CA", ""),
        ("", ""),
        ("XX", ""),
    ],
)
def test_else_the_language_of_the_country_without_the_country(country, language):
    assert locale_of(["unknown"], country) == language


@given(some.lists(some.text(max_size=50), max_size=4), some.text(max_size=70))
def test_a_locale_is_clean_whatever_is_written(candidates, country):
    assert re.fullmatch(r"([a-z]{2}(-[A-Z]{2})?)?", locale_of(candidates, country))
