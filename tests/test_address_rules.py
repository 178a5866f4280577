import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trustsvc import address_rules
from trustsvc.address_rules import is_anonymised, why_not_writable

RELAYS = tomllib.loads(address_rules.FILE.read_text(encoding="utf-8"))["relay"]
SHOP = "bakfiets.example"


@pytest.mark.parametrize(
    "email",
    [
        "x@x.invalid",
        "x@pos.local",
        "x@localhost",
        "x@mail.localhost",
        "x@kassa.lan",
        "x@ad.corp",
        "x@svc.internal",
        "x@router.home.arpa",
        "x@hidden.onion",
        "x@example.com",
        "x@EXAMPLE.NET",
        "x@mail.example.org.",
    ],
)
def test_nothing_is_written_where_nobody_can_live(email):
    assert why_not_writable(email, SHOP) == "address_reserved"


@pytest.mark.parametrize(
    "email",
    [
        "ab12@marketplace.amazon.de",
        "ab12@marketplace.amazon.co.uk",
        "ab12@Marketplace.Amazon.com.be",
        "no-reply-amazon-iba-buyer@marketplace.amazon.it",
        "ab12@members.ebay.com",
        "ab12@verkopen.bol.com",
        "8awg+cub3@allegromail.pl",
        "x@relay.mine.example",
        "x@deep.relay.mine.example.",
    ],
)
def test_nothing_is_written_to_the_relay_of_a_marketplace(email):
    assert why_not_writable(email, SHOP, ["@Relay.mine.example."]) == "address_marketplace"


@pytest.mark.parametrize(
    ("email", "shop"),
    [
        ("info@bakfiets.example", "bakfiets.example"),
        ("info@BAKFIETS.example.", "www.bakfiets.example"),
        ("kassa@pos.bakfiets.example", "bakfiets.example"),
        ("info@bücher.example", "xn--bcher-kva.example"),
        ("info@xn--bcher-kva.example", "www.bücher.example"),
    ],
)
def test_nothing_is_written_to_the_shop_itself(email, shop):
    assert why_not_writable(email, shop) == "address_own_domain"


@pytest.mark.parametrize(
    ("email", "shop"),
    [
        ("jan@buyer.example", SHOP),
        ("jan@buyer.test", SHOP),
        ("jan@example.nl", SHOP),
        ("jan@notexample.com", SHOP),
        ("ab12@privaterelay.appleid.com", SHOP),
        ("jan@gmail.com", "gmail.com"),
        ("jan@ziggo.nl", "www.ziggo.nl"),
        ("jan@mijnbakfiets.example", SHOP),
        ("jan@example", "example"),
        ("jan@amazon.de", SHOP),
        ("jan@notmarketplace.amazon.de", SHOP),
        ("jan@marketplace.amazon.a.b.c", SHOP),
        ("jan@bol.com", SHOP),
        ("jan@buyer.example", ""),
        ("", ""),
    ],
)
def test_everybody_else_may_be_written_to(email, shop):
    assert why_not_writable(email, shop, ("", ".")) is None


@pytest.mark.parametrize("row", RELAYS, ids=[row["name"] for row in RELAYS])
def test_each_relay_has_its_source_and_date_and_is_one(row):
    assert row.keys() == {"name", "domains", "source", "date"}
    assert row["source"].startswith(("http", "no page of its own found; "))
    assert isinstance(row["date"], date)
    for domain in row["domains"]:
        assert domain == domain.lower()
        named = domain.replace(".*", ".nl")
        assert why_not_writable(f"x@{named}", SHOP) == "address_marketplace"


@pytest.mark.parametrize(
    ("email", "anonymised"),
    [
        ("deleted@site.invalid", True),
        (" DELETED@SITE.INVALID ", True),
        ("deleted-9f8a@site.invalid", True),
        ("anonymous@psgdpr.com", True),
        ("x7@anonymous.invalid", True),
        ("anonymized-12@example.com", True),
        ("[deleted]", True),
        ("(redacted)", True),
        ("x0612@x.invalid", False),
        ("guest@pos.local", False),
        ("deleted@gmail.com", False),
        ("anonymous@buyer.example", False),
        ("jan@buyer.example", False),
        ("[jan]", False),
        ("deleted", False),
        ("", False),
        ("@", False),
    ],
)
def test_an_address_that_a_shop_system_wrote_over_an_erased_one(email, anonymised):
    assert is_anonymised(email) is anonymised


@given(some.text(), some.text(), some.lists(some.text(), max_size=3))
def test_no_text_makes_the_rules_fail(email, shop, relays):
    assert why_not_writable(email, shop, relays) in {
        None,
        "address_reserved",
        "address_own_domain",
        "address_marketplace",
    }
    assert is_anonymised(email) in {True, False}
