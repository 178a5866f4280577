"""Tests:
trustsvc/badge/newest_reviews.py
"""

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies

from tests.badge.render.sample_badge import HOSTILE, HOSTILE_LINE, LINE, newest
from trustsvc.badge.render import json_forms


def test_the_list_holds_finished_words():
    parsed = json.loads(json_forms.as_reviews(newest(LINE)))

    assert parsed == {
        "title": "Beoordelingen van Acme",
        "order": "Nieuwste eerst",
        "all": "Alle beoordelingen lezen",
        "lang": "nl",
        "privacy": "Privacy en bezwaar",
        "reviews": [
            {
                "stars": 5,
                "label": "5 van 5 sterren",
                "title": "Heel fijn",
                "text": "De fiets kwam heel aan. Graag nog eens.",
                "by": "Sanne V., Utrecht",
                "date": "2026-11-02",
                "day": "2 november 2026",
                "mark": "Geverifieerde aankoop",
            }
        ],
    }


def test_the_list_holds_the_first_five_and_may_hold_none():
    lines = [replace(LINE, title=str(number)) for number in range(7)]

    parsed = json.loads(json_forms.as_reviews(newest(*lines)))

    assert [one["title"] for one in parsed["reviews"]] == ["0", "1", "2", "3", "4"]
    assert json.loads(json_forms.as_reviews(newest()))["reviews"] == []


def test_hostile_words_come_out_as_they_went_in():
    parsed = json.loads(json_forms.as_reviews(newest(HOSTILE_LINE)))

    assert parsed["reviews"][0]["title"] == HOSTILE


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("een twee", "een twee"),
        ("een twee drie", "een twee…"),
        ("een twee, drie", "een twee…"),
        ("een\n\ntweedrie", "een…"),
        ("eentweedrievier", "eentweedr…"),
        ("éénéénéénéénéén", "éénéénéén…"),
    ],
)
def test_a_text_is_cut_at_a_word(text, kept):
    assert kept == json_forms.shortened(text, 10, 99)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("é" * 5, "é" * 5),
        ("é" * 6, "ééé…"),
        ("戒指很漂亮", "戒指…"),
        ("ab 戒指漂", "ab…"),
        ("ab cd efgh", "ab cd efgh"),
        ("ab cd efghi", "ab cd…"),
    ],
)
def test_a_text_is_cut_by_its_bytes_too_and_never_within_a_message(text, kept):
    assert kept == json_forms.shortened(text, 99, 10)


@given(strategies.text(max_size=60), strategies.integers(2, 30), strategies.integers(4, 60))
def test_what_is_kept_is_never_longer_and_begins_as_the_text_does(text, most, most_bytes):
    kept = json_forms.shortened(text, most, most_bytes)

    assert len(kept) <= most
    assert len(kept.encode()) <= most_bytes
    assert " ".join(text.split()).startswith(kept.removesuffix("…"))
