import base64

import pytest

from trustsvc import clock
from trustsvc.errors import Refused
from trustsvc.shops import enrol, settings
from trustsvc.storage import db


def enrolled(**given):
    with db.transaction() as session:
        new = {"name": "Shop", "domain": "shop.example", "platform": "shopify"} | given
        return enrol.enrol(session, enrol.Enrolment(**new), clock.now())


def test_a_shop_gets_an_endpoint_nobody_can_guess_and_the_defaults(installation):
    shop, _ = enrolled()
    other, _ = enrolled()

    assert (shop.slug, other.slug) == ("shop", "shop-2")
    assert shop.endpoint_id != other.endpoint_id
    assert len(shop.endpoint_id) == 24
    assert (shop.may_ask, shop.delay, shop.delay_unit, shop.moment) == (
        "registered",
        7,
        "days",
        "shipped",
    )
    assert (shop.reminder_days, shop.cap_days, shop.max_age_days) == (0, 30, 60)


@pytest.mark.parametrize("may_ask", ["registered", "consent", "customers"])
def test_each_basis_is_recorded_with_what_buyers_read(installation, may_ask):
    shop, _ = enrolled(may_ask=may_ask)

    assert shop.wording == settings.default_wording(may_ask, "en")
    assert enrolled(may_ask=may_ask, wording="Onze eigen tekst.")[0].wording == "Onze eigen tekst."


@pytest.mark.parametrize(
    ("language", "beginning"),
    [
        ("nl", "Na je bestelling vragen we"),
        ("de", "Nach Ihrer Bestellung bitten wir"),
        ("en", "After your order we ask"),
        ("fr", "Après votre commande, nous"),
    ],
)
def test_the_recorded_wording_is_in_the_language_of_the_shop(installation, language, beginning):
    shop, _ = enrolled(may_ask="customers", language=language)

    assert shop.wording.startswith(beginning)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Juwelier De Gouden Ring", "juwelier-de-gouden-ring"),
        ("Café Ünlü & Söhne", "cafe-unlu-sohne"),
        ("張偉", "shop"),
        ("<script>", "script"),
        ("A" * 60, "a" * 40),
    ],
)
def test_a_slug_is_plain(name, slug):
    assert enrol.make_slug(name) == slug


@pytest.mark.parametrize(
    ("name", "domain", "slug"),
    [
        ("عقد الذهب", "iqd-gold.example", "iqd-gold"),
        ("عقد الذهب", "www.iqd.example:8443", "iqd"),
        ("張偉", "xn--3bs198f.example", "xn-3bs198f"),
        ("張偉", "localhost:5000", "localhost"),
        ("張偉", "www.-.example", "shop"),
        ("Café", "iqd-gold.example", "cafe"),
    ],
)
def test_a_name_in_another_script_takes_the_first_part_of_the_domain(
    installation, name, domain, slug
):
    assert enrolled(name=name, domain=domain)[0].slug == slug
    assert enrolled(name=name, domain=domain)[0].slug == f"{slug}-2"


def test_a_secret_is_made_where_the_platform_makes_none(installation):
    standard, other = enrolled(platform="standard")[1], enrolled(platform="woocommerce")[1]

    assert len(base64.b64decode(standard.removeprefix("whsec_"))) == 32
    assert len(other) >= 32


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"platform": "magento"}, "platform"),
        ({"secret": "fifteen-letters"}, "16"),
        ({"secret": " " * 30}, "16"),
        ({"platform": "standard", "secret": "whsec_fifteen-lettr"}, "16"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"domain": "not a domain"}, "domain"),
        ({"domain": "a.example/path"}, "domain"),
        ({"domain": "a.example:\u0664\u0664\u0663"}, "domain"),
        ({"domain": "a.example:99999"}, "domain"),
        ({"domain": "a.example:0"}, "domain"),
        ({"domain": ".:443"}, "domain"),
        ({"may_ask": "everybody"}, "may ask"),
        ({"delay": -1}, "delay"),
        ({"delay": 366}, "delay"),
        ({"delay_unit": "years"}, "delay unit"),
        ({"moment": "sunrise"}, "moment"),
        ({"language": "es"}, "language"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"wording": "x" * 5001}, "wording"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(installation, wrong, says):
    with pytest.raises(Refused, match=says):
        enrolled(**wrong)


def test_the_usual_port_is_no_part_of_a_domain_and_another_one_is(installation):
    """A page's address never says it, and a statement for it would hold for no page."""
    pasted = {"https://Shop.example:443/": "shop.example", "shop.example:8443": "shop.example:8443"}

    assert [enrolled(domain=text)[0].domain for text in pasted] == list(pasted.values())


def test_a_name_is_put_on_one_line(installation):
    assert enrolled(name="De\r\nGouden\u2028 Ring\u202e")[0].name == "De Gouden Ring"


def test_an_enrolment_does_not_show_its_secret():
    new = enrol.Enrolment("Shop", "shop.example", "shopify", secret="a-secret-of-the-shop")

    assert "a-secret" not in repr(new)
