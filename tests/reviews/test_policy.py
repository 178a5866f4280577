import pytest
from hypothesis import given, strategies

from trustsvc import i18n
from trustsvc.reviews import policy

GOOD = {"stars": "4", "title": "Snel", "text": "Goed.", "name": "Ada L.", "city": "Delft"}
GOOD |= {"consent": "yes"}


def test_a_good_form_becomes_the_input_of_a_review():
    filled = policy.read_form(GOOD)

    assert filled.problems == {}
    assert filled.author_input == policy.ReviewInput(
        4, "Snel", "Goed.", "Ada L.", "Delft", consent=True
    )


def test_stars_a_name_and_the_choice_are_enough():
    review = policy.read_form({"stars": "1", "name": "A", "consent": "no"}).author_input

    assert review == policy.ReviewInput(1, "", "", "A", "", consent=False)


@pytest.mark.parametrize("answer", ["", "NO", " no", "off", "false", "0", "on"])
def test_whether_it_is_published_has_no_default(answer):
    filled = policy.read_form(GOOD | {"consent": answer})

    assert filled.problems == {"consent": "missing"}
    assert filled.author_input is None


@pytest.mark.parametrize(
    "stars",
    ["", "0", "6", "-1", "4.0", "4,5", "1e308", "NaN", "45", " 4", "\uff14", "²", "five", "\x004"],
)
def test_stars_are_one_plain_digit_from_one_to_five(stars):
    filled = policy.read_form(GOOD | {"stars": stars})

    assert filled.problems == {"stars": "missing"}
    assert filled.values["stars"] == ""


@pytest.mark.parametrize(
    ("field", "most"), [("title", 120), ("text", 5000), ("name", 80), ("city", 80)]
)
def test_each_field_has_its_length_counted_in_characters(field, most):
    assert policy.read_form(GOOD | {field: "é" * most}).problems == {}
    assert policy.read_form(GOOD | {field: "é" * (most + 1)}).problems == {field: "long"}


@pytest.mark.parametrize(
    "name", ["", "   ", "\u200b\u200b", "\u3164", "\u2800 \u2800", "\u200d", "\n"]
)
def test_a_name_that_shows_nothing_is_no_name(name):
    assert policy.read_form(GOOD | {"name": name}).problems == {"name": "missing"}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Ada\r\nBcc: x@mail.example", "Ada Bcc: x@mail.example"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("\u202eadA\u202c", "adA"),
        ("a\u2066b\u2069\u200f", "ab"),
        ("A\u200bd\ufeffa\u00ad", "Ada"),
        ("nul\x00l \x1b[31m", "null [31m"),
        ("Z\u0323" + "\u0300" * 50, "Ẓ" + "\u0300" * 4),
        ("e\u0301", "é"),
        ("e\u200b\u0301", "é"),
        ("x" + "\u0300\u0300\u200b" * 9, "x" + "\u0300" * 4),
        ("x" + "\u0300\u0300\u200d" * 9, "x\u0300\u0300\u200d\u0300\u0300\u200d"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("a" + "\u200d" * 40 + "b", "a\u200db"),
        ("\U000e0041hid\U000e0042den", "hidden"),
        ("\ud800bad\udfff", "bad"),
        ("\ufffe\U0001ffffx", "x"),
        ("  a \t\u00a0 b  ", "a b"),
        ("<script>alert('x')</script>", "<script>alert('x')</script>"),
    ],
)
def test_what_no_reader_should_meet_is_taken_out(raw, shown):
    assert policy.clean(raw) == shown
    assert policy.clean(policy.clean(raw)) == shown


def test_a_text_keeps_its_lines_but_no_desert_of_empty_ones():
    assert policy.clean("\n\na \r\n\r\n\r\n\r\n b\rc\n", lines=True) == "a\n\nb\nc"


@pytest.mark.parametrize(
    ("full", "shown"),
    [
        ("Ada Lovelace", "Ada L."),
        ("Anna de Vries", "Anna V."),
        ("Cher", "Cher"),
        ("", ""),
        ("jan\r\nétienne", "jan É."),
        ("x" * 200 + " y", "x" * 80),
    ],
)
def test_the_suggested_name_is_a_first_name_and_an_initial(full, shown):
    assert policy.public_name(full) == shown


def test_reasons_have_words_in_every_language_and_none_is_about_stars():
    words = {"star", "rating", "score", "negative", "positive", "low"}

    assert not any(word in reason for reason in policy.REASONS for word in words)
    for language in i18n.LANGUAGES:
        texts = [i18n.translate(f"reviews.reason.{reason}", language) for reason in policy.REASONS]
        assert len(set(texts)) == len(policy.REASONS)


def test_nothing_of_what_was_written_is_in_a_repr():
    filled = policy.read_form(GOOD)

    assert "Ada" not in repr(filled)
    assert "Ada" not in repr(filled.author_input)


@given(strategies.text(), strategies.booleans())
def test_cleaning_what_is_clean_changes_nothing(text, lines):
    once = policy.clean(text, lines=lines)

    assert policy.clean(once, lines=lines) == once
    once.encode()
