"""Whose data a breach reached: counts by shop and category, people as far as they can be named."""

import pytest
from sqlalchemy import update

from tests.key_rotation import add_key
from tests.reviews.sample_reviews import invitation, order, review, shop
from tests.staff.signed_in_staff import one_time_link
from trustsvc import clock
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.errors import Refused
from trustsvc.mail.outbox import domain_throttle
from trustsvc.mail.outbox.models import domain_throttles
from trustsvc.privacy import breach
from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.keys import reach
from trustsvc.privacy.rights import confirmation
from trustsvc.privacy.rights.people import Person
from trustsvc.registry import double_opt_in, opt_out, restriction
from trustsvc.registry.models import registered_buyers
from trustsvc.reviews import withdraw
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail import enqueue
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = pytest.mark.both_databases


def of(*tables, test=breach.any_value):
    columns = [one for one in data_inventory.personal() if one.table.name in tables]
    with db.reading() as session:
        return breach.scope(session, columns, test)


def by_key(kind, number):
    columns, test = reach.reach(kind, number)
    with db.reading() as session:
        return breach.scope(session, columns, test)


def buyer_of(at_shop, address, **more):
    mark = pseudonyms.shop_pseudonym(at_shop.id, address)
    return order(at_shop, email=address, buyer_pseudonym=mark, **more)


def test_a_table_is_counted_by_shop_and_category(installation):
    one, other = shop("One"), shop("Other")
    buyer_of(one, "ada@mail.example")
    buyer_of(one, "ada@mail.example")
    buyer_of(other, "bob@mail.example", name=None)

    found = of("orders")

    assert found.people_by_shop() == {"one": 1, "other": 1}
    assert found.values["one", "orders", "address"] == 2
    assert found.values["one", "orders", "name"] == 2
    assert found.values["other", "orders", "name"] == 0
    assert found.values["other", "orders", "address"] == 1


def test_people_are_named_where_an_address_is_kept_and_by_pseudonym_where_not(installation):
    at_shop = shop()
    buyer_of(at_shop, "ada@mail.example")
    forgotten = pseudonyms.shop_pseudonym(at_shop.id, "bob@mail.example")
    order(at_shop, email=None, name=None, reference=None, buyer_pseudonym=forgotten)

    people = of("orders").people.values()

    assert {(one.address, one.name) for one in people} == {
        ("ada@mail.example", "Ada Lovelace"),
        ("", ""),
    }
    assert forgotten.hex() in {one.pseudonym for one in people}


def test_the_shop_of_a_row_is_found_over_its_relations(installation):
    at_shop = shop("Far")
    review(at_shop)
    one_time_link("Sam")

    assert set(of("invitations", "reviews").people_by_shop()) == {"far"}
    assert set(of("staff").people_by_shop()) == {breach.SERVICE}


def test_recipients_of_transactional_mail_are_counted_apart_once_their_addresses_are_gone(
    installation,
):
    with db.transaction() as session:
        for address in ("ada@mail.example", "bob@mail.example", "bob@mail.example"):
            enqueue.write(
                session, enqueue.TransactionalMessage("me", "nl", address, facts={}), clock.now()
            )
        session.execute(update(transactional_messages).values(address=None, name=None, facts=None))

    found = of("transactional_messages")

    assert found.people_by_shop() == {breach.SERVICE: 2}


def test_each_pseudonym_is_of_a_person_or_named_as_one_of_something_else():
    pseudonym = {one for one in data_inventory.columns() if one.info["category"] == "pseudonym"}

    assert {one.name for one in pseudonym} >= data_inventory.OF_NO_PERSON
    assert {str(one) for one in pseudonym if data_inventory.identifies_person(one)} == {
        "form_objections.pseudonym",
        "my_data_links.pseudonym",
        "opt_outs.pseudonym",
        "orders.buyer_pseudonym",
        "pending_registrations.address_pseudonym",
        "registered_buyers.pseudonym",
        "restrictions.pseudonym",
        "reviews.buyer_pseudonym",
        "transactional_messages.mailbox",
        "transactional_messages.recipient_pseudonym",
    }


def test_every_table_with_people_can_be_asked(installation):
    tables = sorted({str(one.table.name) for one in data_inventory.personal()})

    assert [table for table in tables if of(table).people != {}] == []


def test_what_was_emptied_is_nobodys(installation):
    public_id = review(shop())
    assert of("reviews").values["velo-fils", "reviews", "opinion"] == 3
    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    assert "name" not in {holds for _, _, holds in of("reviews").values}


def test_a_vault_key_reaches_what_it_encrypted_and_nothing_else(installation):
    at_shop = shop()
    buyer_of(at_shop, "ada@mail.example")
    add_key(installation, "vault")
    buyer_of(at_shop, "bob@mail.example")

    old, new = by_key("vault", 1), by_key("vault", 2)

    assert [one.address for one in old.people.values() if one.address] == ["ada@mail.example"]
    assert [one.address for one in new.people.values() if one.address] == ["bob@mail.example"]
    assert ("velo-fils", "orders", "pseudonym") not in old.values


def everywhere_in_the_registry(at_shop, address):
    """One person in each row with a pseudonym or a link: at a shop, and at none."""
    now, mark = clock.now(), pseudonyms.registry_pseudonym(address)
    with db.transaction() as session:
        session.execute(
            registered_buyers.insert().values(
                pseudonym=mark, at=now, consent_version="1", source="x"
            )
        )
        session.execute(update(registered_buyers).values(link=signed_links.new_id()))
        for place in (EVERY_SHOP, at_shop.id):
            opt_out.opt_out(session, address, place, "stop", now)
        restriction.restrict(session, [mark], EVERY_SHOP, now)
        restriction.restrict(
            session, pseudonyms.shop_pseudonyms(at_shop.id, address), at_shop.id, now
        )
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(address, at_shop.id, "nl", "page"),
            now,
        )
        enqueue.write(
            session, enqueue.TransactionalMessage("me", "nl", address, facts={"link": "x"}), now
        )
        confirmation.my_data_link(session, Person(address, "", "nl", (), (), {}, ()), now)


def test_a_lookup_key_reaches_the_shops_pseudonyms_and_the_registrys_its_own(installation):
    at_shop = shop()
    everywhere_in_the_registry(at_shop, "reg@mail.example")
    buyer_of(at_shop, "ada@mail.example")

    registry, lookup = by_key("registry", 1), by_key("lookup", 1)

    assert dict(registry.values) == {
        (breach.SERVICE, "registered_buyers", "pseudonym"): 1,
        (breach.SERVICE, "opt_outs", "pseudonym"): 1,
        (breach.SERVICE, "restrictions", "pseudonym"): 1,
        (breach.SERVICE, "suppression_entries", "pseudonym"): 2,
    }
    assert dict(lookup.values) == {
        ("velo-fils", "opt_outs", "pseudonym"): 1,
        ("velo-fils", "restrictions", "pseudonym"): 1,
        ("velo-fils", "suppression_entries", "pseudonym"): 2,
        ("velo-fils", "orders", "pseudonym"): 1,
        ("velo-fils", "pending_registrations", "pseudonym"): 1,
        ("velo-fils", "transactional_messages", "pseudonym"): 2,
        # To whom the service writes in its own name: shop 0, and yet the look-up key.
        (breach.SERVICE, "transactional_messages", "pseudonym"): 2,
        (breach.SERVICE, "my_data_links", "pseudonym"): 1,
    }
    for kind in ("lookup", "registry"):
        add_key(installation, kind)
        assert by_key(kind, 2).people == {}


def test_the_link_key_reaches_nothing_the_desk_key_staff_and_signing_keys_nobody(installation):
    at_shop = shop()
    invitation(at_shop, order(at_shop))
    everywhere_in_the_registry(at_shop, "reg@mail.example")
    one_time_link("Sam")

    assert by_key("link", 1).values == {}
    opened = {table for _, table, _ in by_key("vault", 1).values}
    assert opened >= {"invitations", "registered_buyers", "shops"}
    assert {table for _, table, _ in by_key("desk", 1).values} == {"staff", "staff_links"}
    assert by_key("receipt", 1).people == by_key("badge", 1).people == {}


def test_the_hash_of_a_mail_domain_does_not_tell_its_lookup_key(installation):
    with db.transaction() as session:
        (mark,) = domain_throttle.hashes({1: "ada@lovelace.example"}).values()
        now = clock.now()
        row = {"domain_hash": mark, "next_slot_at": now, "reserved_until": now}
        row |= {"deferrals": 0, "forget_at": now}
        session.execute(domain_throttles.insert().values(row))
    add_key(installation, "lookup")

    for number in (1, 2):
        assert set(by_key("lookup", number).values) == {
            (breach.SERVICE, "domain_throttles", "pseudonym")
        }
    assert by_key("registry", 1).values == {}


def test_every_column_with_the_id_of_a_link_in_it_is_encrypted():
    links = [one for one in data_inventory.columns() if one.name == "link"]

    assert len(links) == 2
    assert all(data_inventory.is_encrypted(one) for one in links)


def test_a_version_that_is_not_there_is_refused(installation):
    with pytest.raises(Refused):
        reach.reach("vault", 7)


def test_what_no_key_here_opens_is_counted_apart(installation):
    order(shop())
    assert of("orders").unopened == 0
    with db.transaction() as session:
        noise = "x'00'" if db.is_sqlite() else r"'\x00'"
        session.connection().exec_driver_sql(f"UPDATE orders SET name = {noise}")

    assert of("orders").unopened == 1


def test_nobody_found_shows_in_a_repr(installation):
    buyer_of(shop(), "ada@mail.example")

    assert "ada@mail.example" not in repr(of("orders"))
    assert "Lovelace" not in repr(list(of("orders").people.values()))
