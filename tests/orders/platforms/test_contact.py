import pytest

from trustsvc.orders.platforms import contact


@pytest.mark.parametrize(
    ("languages", "billed", "sent", "locale", "zone"),
    [
        (["nl"], "NL", "NL", "nl", "Europe/Amsterdam"),
        ([""], "NL", "", "nl", "Europe/Amsterdam"),
        (["en"], "NL", "JP", "en", "Asia/Tokyo"),
        (["de-AT"], "", "", "de-AT", "Europe/Vienna"),
        ([], "", "", "", ""),
    ],
)
def test_the_language_follows_the_bill_and_the_hours_where_the_parcel_goes(
    languages, billed, sent, locale, zone
):
    assert contact.place(languages, billed, sent) == contact.Place(locale, zone)


@pytest.mark.parametrize(
    ("address", "is_anonymised"),
    [("deleted@site.invalid", True), ("anna@mail.example", False), ("", False), (None, False)],
)
def test_a_stand_in_for_an_erased_address_is_recognised(address, is_anonymised):
    assert contact.is_anonymised({"billing": {"email": address}}, "billing.email") is is_anonymised
