import string

import pytest

from trustsvc import i18n

OTHERS = [language for language in i18n.LANGUAGES if language != "en"]
PLURALS = (".one", ".other", ".many", ".few", ".two", ".zero")


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_all_languages_have_the_same_words(language):
    def keys(of):
        return {k for k in i18n.catalogue(of) if not k.endswith((".many",))}

    assert keys("en") == keys(language)


@pytest.mark.parametrize("language", OTHERS)
def test_all_languages_have_the_same_places_to_fill_in(language):
    english = i18n.catalogue("en")

    for key, text in i18n.catalogue(language).items():
        if not key.endswith(PLURALS):
            assert (key, places(english[key])) == (key, places(text))


@pytest.mark.parametrize(
    ("preferences", "chosen"),
    [
        (("nl-BE",), "nl"),
        (("de_DE",), "de"),
        (("pl-PL", "fr"), "fr"),
        (("fr;q=0.9, en;q=0.8",), "fr"),
        ((None, ""), "en"),
        (("\x00\xff", "xx"), "en"),
    ],
)
def test_the_first_language_we_speak_is_chosen(preferences, chosen):
    assert chosen == i18n.negotiate_language(*preferences)


def test_numbers_and_dates_are_written_as_people_do():
    from datetime import UTC, datetime

    assert i18n.format_decimal(4.55, "nl") in {"4,5", "4,6"}
    assert i18n.format_date(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "nl") == "21 november 2026"
    assert i18n.format_date(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "de", "Europe/Berlin") == (
        "22. November 2026"
    )


def test_no_message_or_page_asks_for_a_number_of_stars():
    pushy = (
        "5 stars",
        "five stars",
        "vijf sterren",
        "5 sterren",
        "fünf Sterne",
        "5 Sterne",
        "cinq étoiles",
    )

    for language in i18n.LANGUAGES:
        for key, text in i18n.catalogue(language).items():
            if "please" in text.lower():
                assert not any(word in text for word in pushy), key
