"""Length and marks of outside text, and JSON."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustsvc import input_limits

MARKS = "\u0300\u0315"


def _runs(text):
    """Give how many non-starters stand in a row in what normalising works on, at most."""
    most = run = 0
    for char in unicodedata.normalize("NFKD", text):
        run = run + 1 if unicodedata.combining(char) else 0
        most = max(most, run)
    return most


def test_every_character_that_becomes_marks_alone_is_known():
    every = map(chr, range(sys.maxunicode + 1))
    beginning = {
        char
        for char in every
        if unicodedata.combining(unicodedata.normalize("NFKD", char)[0])
        and not unicodedata.combining(char)
    }

    assert beginning == input_limits._BECOME_MARKS


@given(st.text(st.sampled_from("a é\u0300\u0315\u0344\u0f73\u1e69\uff9e\u200d"), max_size=300))
def test_no_more_marks_stand_in_a_row_than_sorting_can_bear(text):
    safe = input_limits.stream_safe(text)

    assert _runs(safe) <= 4 * input_limits.MAX_MARKS  # some characters are two marks
    assert input_limits.stream_safe(safe) == safe
    assert input_limits.is_stream_safe(safe)


@pytest.mark.parametrize(
    "text", ["", "Anna", "Zoë", "Việt Nam", "नमस्ते", "e\u0301" * 50, "a" + MARKS * 15, "é" * 99]
)
def test_what_people_write_stays(text):
    assert input_limits.stream_safe(text) == text
    assert input_limits.is_stream_safe(text)


def test_marks_beyond_thirty_are_left_out_and_what_follows_stays():
    assert input_limits.stream_safe("a" + MARKS * 100 + "b") == "a" + MARKS * 15 + "b"
    assert not input_limits.is_stream_safe(MARKS * 16)


def test_a_text_is_cut_to_its_length_without_the_blanks_around_it():
    assert input_limits.bounded(" " * 500 + "abcd" + " " * 500, 3) == "abc"
    assert len(input_limits.bounded("a" * 99_999)) == input_limits.MAX_LENGTH


@pytest.mark.parametrize("body", [b'\xef\xbb\xbf{"a": 1}', '{"a": 1}', b'{"a": 1}'])
def test_json_is_read(body):
    assert input_limits.read_json(body) == {"a": 1}


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"NaN", b"[" * 100_000, b"[" * 9999 + b"]" * 9999, b"9" * 100_000, "{"]
)
def test_what_is_no_json_or_goes_too_deep_is_a_value_error(body):
    with pytest.raises(ValueError):
        input_limits.read_json(body)
