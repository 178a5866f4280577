import pytest

from trustsvc.orders.platforms import contact


@pytest.mark.parametrize(
    ("languages", "billed", "sent", "locale", "zone"),
    [
        (["nl"], "NL", "NL", "nl", "Europe/Amsterdam"),
        ([""], "NL", "", "nl", "Europe/Amsterdam"),
        (["en"], "NL", "JP", "en", "Europe/Amsterdam"),
        (["en"], "", "JP", "en", "Asia/Tokyo"),
        (["de-AT"], "", "", "de-AT", "Europe/Vienna"),
        ([], "", "", "", ""),
    ],
)
def test_language_and_hours_are_those_of_the_bill_since_a_parcel_may_be_a_gift(
    languages, billed, sent, locale, zone
):
    assert contact.place(languages, billed, sent) == contact.Place(locale, zone)


@pytest.mark.parametrize(
    ("address", "is_anonymised"),
    [("deleted@site.invalid", True), ("anna@mail.example", False), ("", False), (None, False)],
)
def test_a_stand_in_for_an_erased_address_is_recognised(address, is_anonymised):
    assert contact.is_anonymised({"billing": {"email": address}}, "billing.email") is is_anonymised


@pytest.mark.parametrize(
    ("body", "email", "is_named"),
    [
        ({"email": "a@mail.example", "customer": {"email": "b@mail.example"}}, "a", True),
        ({"email": "", "customer": {"email": "b@mail.example"}}, "", True),
        ({"email": None, "customer": {"email": "b@mail.example"}}, "", True),
        ({"customer": {"email": "b@mail.example"}}, "b", True),
        ({"customer": None}, "", True),
        ({"customer": {"name": "Anna"}}, "", False),
        ({}, "", False),
    ],
)
def test_an_address_that_was_emptied_in_the_order_is_not_taken_from_the_customer(
    body, email, is_named
):
    found = contact.email(body, ("email",), ("customer.email",))

    assert found == (f"{email}@mail.example" if email else "")
    assert contact.names_address(body, ("email", "customer.email")) is is_named


@pytest.mark.parametrize(
    ("name", "company", "greeted"),
    [
        ("Bakkerij Jansen", "Bakkerij Jansen B.V.", ""),
        ("Bakkerij Jansen", "bakkerij  jansen", ""),
        ("Bakkerij Jansen Utrecht", "Bakkerij Jansen", ""),
        ("Atelier Rouge", "Atelier Rouge SARL", ""),
        ("Lampen Huber", "Lampen Huber GmbH & Co. KG", ""),
        ("Blue Lamps", "Blue Lamps Ltd.", ""),
        ("Anna Jansen", "Bakkerij Jansen B.V.", "Anna Jansen"),
        ("Anna Jansen", "Ann", "Anna Jansen"),
        ("Anna Jansen", "-", "Anna Jansen"),
        ("Anna Jansen", "B.V.", "Anna Jansen"),
        ("Anna Jansen", "", "Anna Jansen"),
    ],
)
def test_a_name_that_is_only_the_company_s_is_no_greeting(name, company, greeted):
    assert contact.name({"name": name, "company": company}, ("name",), ("company",)) == greeted
