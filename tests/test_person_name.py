import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from trustsvc import person_name


@pytest.mark.parametrize(
    "name",
    [
        "Jan Jansen",
        "J. P. de Vries",
        "張偉",
        "Zoë Müller-Lüdenscheidt",
        "O'Brien",
        "Tom & Ina Smit",
        "Ng",
        "Li Na",
        "Kim Sa",
        "Jan Sas",
        "Anna A.S. de Vries",
        "B.V. Jansen",
        "Anna Ek",
        "Nil Yilmaz",
        "Maria Sá",
        "Nan Goldin",
        "Anna Gast",
        "Max Kunde",
        "Lea Test",
        "Herr Müller",
        "St. John",
        "4Ever Jung",
        "Inge Corps",
        "Bo van Nv-Laar",
    ],
)
def test_a_name_is_greeted_as_it_is(name):
    assert person_name.greetable(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-",
        ".",
        "--",
        "- -",
        "…",
        "null",
        "null null",
        "NULL",
        "undefined undefined",
        "None",
        "NaN",
        "n/a",
        "n.v.t.",
        "nvt",
        "Nobody",
        "N/A N/A",
        "[deleted]",
        "[deleted] [deleted]",
        "[object Object]",
        "Gast",
        "guest",
        "Guest Customer",
        "Walk-in Customer",
        "Kunde",
        "client",
        "Test Test",
        "Voornaam Achternaam",
        "Prénom Nom",
        "Herr",
        "Mevrouw",
        "x",
        "XXX",
        "0612345678",
        "+31 6 1234 5678",
        "Anna 0612345678",
        "12",
        "7 - 8",
        "Bakker B.V.",
        "Bakker bv",
        "Bakker Beheer BV",
        "Müller GmbH",
        "Müller GmbH & Co. KG",
        "Dupont S.A.R.L.",
        "SARL Dupont",
        "Dupont S.à r.l.",
        "Kowalski sp. z o.o.",
        "Jensen A/S",
        "Dupont et Fils",
        "Dupont SAS",
        "Colruyt NV",
        "Peeters BVBA",
        "Siemens AG",
        "Nestlé SA",
        "Acme Inc.",
        "Acme (Ltd.)",
        "Jansen & Zn.",
        "Stichting De Zee",
        "anna@bakker.example",
        "https://evil.example",
        "www.evil",
        "evil.example",
        "<b>Jan</b>",
        "J\ufffdrgen",
        "J?rgen",
        "Andr%C3%A9 Vos",
        "{{first_name}}",
        "*|FNAME|*",
        "%FIRSTNAME%",
        "[billing_first_name]",
        "N.N.",
        "k.A.",
        "TikTok Order",
        "Bakker B.V. t.a.v. Anna",
        "Müller GmbH, Anna Schmidt",
    ],
)
def test_what_is_no_name_is_not_greeted(name):
    assert not person_name.greetable(name)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Anna null", "Anna"),
        ("undefined Bakker", "Bakker"),
        ("- Anna -", "Anna"),
        ("Anna .", "Anna"),
    ],
)
def test_what_programs_write_for_a_missing_part_is_left_out(name, kept):
    assert person_name.greetable(name) == kept


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Andr&eacute;", "André"),
        ("O&#039;Brien", "O'Brien"),
        ("O&#x27;Brien", "O'Brien"),
        ("O&#39Brien", "O'Brien"),
        ("Tom &amp; Ina", "Tom & Ina"),
        ("Tom &amp;amp; Ina", "Tom & Ina"),
        ("&amp;amp;amp;", ""),
        ("Tom & Ina", "Tom & Ina"),
        ("Tom&copy", "Tom&copy"),
        ("&nosuch; Jan", ""),
        ("&#0;", "\ufffd"),
        ("&#xD800;", "\ufffd"),
    ],
)
def test_entities_are_read_at_most_twice(written, name):
    assert person_name.decode(written) == name


WORD = some.sampled_from(
    ["Anna", "null", "-", "B.V.", "&amp;", "Gast", "06", "12345", "张", "S.A.", "[deleted]", "Co"]
) | some.text(max_size=8)


@given(some.lists(WORD, max_size=6).map(" ".join))
@example("²")
def test_what_is_greeted_is_part_of_the_name_and_twice_changes_nothing(name):
    kept = person_name.greetable(name)

    assert person_name.greetable(kept) == kept
    assert kept in " ".join(name.split())
    assert not kept or any(map(str.isalpha, kept))
    assert sum(map(str.isdigit, kept)) < 5


@given(some.text())
def test_nothing_is_left_to_decode(text):
    decoded = person_name.decode(text)

    assert person_name.decode(decoded) == decoded
