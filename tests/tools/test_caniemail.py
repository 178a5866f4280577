from tools import caniemail

FEATURE = """---
title: "padding"
category: css
stats: {
    gmail: {
        desktop-webmail: {
            "2019-05":"n #4",
            "2021-02":"y"
        },
        ios: { "2019-05": "a #3", },
    },
    outlook: {
        windows: {
            "2003":"n",
            "2007":"y",
            "2016":"a #1 #2"
        },
        outlook-com: { "2019-05":"n #5" }
    }
}
notes_by_num: {
    "1": "Partial. Only \\"cells\\".",
    "2": "Buggy.",
    "3": "Partial, {here}.",
    "4": "Old.",
    "5": "Elsewhere."
}
---
"""


def test_the_least_able_classic_outlook_and_todays_gmails_count():
    assert caniemail.read_feature(FEATURE) == {
        "outlook": "a",
        "gmail": "a",
        "notes": ['Partial. Only \\"cells\\".', "Buggy.", "Partial, {here}."],
    }


def test_a_program_nobody_tried_is_unknown():
    feature = 'stats: {\n    gmail: {\n        ios: { "2020": "y" }\n    }\n}\n'

    assert caniemail.read_feature(feature) == {"outlook": "unknown", "gmail": "y", "notes": []}
