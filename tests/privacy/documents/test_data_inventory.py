"""Every stored column says why, how long and what; names and addresses are encrypted."""

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, inspect, text

from tests.invitations.sample_orders import invitation_of, invited
from tests.reviews.sample_reviews import shop
from tests.staff.signed_in_staff import one_time_link, sign_in
from trustsvc import clock, i18n
from trustsvc.crypto import signed_links
from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.privacy.documents import data_inventory
from trustsvc.privacy.retention.rules import RULES
from trustsvc.shops import enrol
from trustsvc.storage import db
from trustsvc.storage.columns import column

GOOD = {"purpose": "to greet", "retention": "buyer_contact", "category": "name"}

# Everything that gives access or identifies a person, and how it is stored.
KEPT_AS = {
    "shops.secret": "encrypted",
    "shops.old_secret": "encrypted",
    "staff_links.link_hash": "keyed hash",
    "staff_sessions.session_hash": "keyed hash",
    "registered_buyers.pseudonym": "keyed hash",
    "pending_registrations.address_pseudonym": "keyed hash",
    "restrictions.pseudonym": "keyed hash",
    "my_data_links.pseudonym": "keyed hash",
    "my_data_links.link_hash": "keyed hash",
    "registered_buyers.link": "encrypted",
    "pending_registrations.link_hash": "keyed hash",
    "opt_outs.pseudonym": "keyed hash",
    "suppression_entries.subject": "keyed hash, or public id of a review",
    "orders.buyer_pseudonym": "keyed hash",
    "orders.merge_state": "keyed hash",
    "orders.identity": "keyed hash",
    "deliveries.body_hash": "keyed hash",
    "reviews.buyer_pseudonym": "keyed hash",
    "transactional_messages.recipient_pseudonym": "keyed hash",
    "privacy_requests.network": "keyed hash",
    "transactional_messages.mailbox": "keyed hash",
    "transactional_messages.network": "keyed hash",
    "form_objections.pseudonym": "keyed hash",
    "form_objections.network": "keyed hash",
    "domain_throttles.domain_hash": "keyed hash",
    "messages.token": "random; it opens nothing, and names one message in reports",
    "shops.endpoint_id": "encrypted",
    "mail_endpoints.endpoint_hash": "keyed hash",
    "mail_endpoints.secret": "encrypted",
    "api_connections.api_key": "encrypted",
    "api_connections.api_secret": "encrypted",
    "invitations.link": "encrypted",
}


# Never stored in clear, so that a copy of the database does not tell it.
MUST_BE_ENCRYPTED = ("name", "address", "place", "order", "contact", "opinion")


def faults(column):
    """Say what is wrong with a column's tags; empty for a good one."""
    problems = []
    if not str(column.info.get("purpose", "")).strip():
        problems.append("it does not say why it is there")
    if column.info.get("retention") not in RULES:
        problems.append("it names no rule of retention")
    if column.info.get("category") not in data_inventory.CATEGORIES:
        problems.append("it does not say what it holds")
    if column.info.get("category") in MUST_BE_ENCRYPTED and not (
        data_inventory.is_encrypted(column) or data_inventory.is_number(column)
    ):
        problems.append("it holds a name or an address in clear")
    return problems


def made(kind=EncryptedText, **tags_of_it):
    known = GOOD | tags_of_it
    known = {name: value for name, value in known.items() if value is not None}
    return Column("x", kind() if kind is EncryptedText else kind, info=known)


def test_every_stored_column_is_tagged():
    found = {str(one): faults(one) for one in data_inventory.columns()}

    assert len(found) > 100
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (made(purpose=None), "it does not say why it is there"),
        (made(purpose=" "), "it does not say why it is there"),
        (made(retention=None), "it names no rule of retention"),
        (made(retention="as long as we like"), "it names no rule of retention"),
        (made(category=None), "it does not say what it holds"),
        (made(category="something"), "it does not say what it holds"),
        (made(kind=Text()), "it holds a name or an address in clear"),
        (made(kind=LargeBinary(), holds="address"), "it holds a name or an address in clear"),
    ],
)
def test_a_column_that_lacks_a_tag_or_lies_in_clear_is_found(broken, fault):
    assert faults(broken) == [fault]


def test_a_column_without_any_tag_is_found():
    assert len(faults(Column("bare", Text))) == 3
    assert faults(made()) == []
    assert faults(made(kind=Integer(), holds="opinion")) == []  # the stars name nobody


def test_a_declared_column_cannot_leave_a_reason_away():
    with pytest.raises(TypeError):
        Table("t", MetaData(), column("x", Text, retention="decision_log"))
    with pytest.raises(TypeError):
        Table("t", MetaData(), column("x", Text, purpose="so"))


def test_the_tags_are_of_all_tables_there_are(installation):
    there = set(inspect(db.engine()).get_table_names()) - {"alembic_version"}

    assert there == {one.table.name for one in data_inventory.columns()}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_each_category_has_a_name_that_people_can_read(language):
    for category in data_inventory.CATEGORIES:
        assert i18n.translate(f"documents.category.{category}", language)


def test_what_identifies_a_person_or_gives_access_is_on_the_list():
    kept = {
        str(one): "encrypted"
        if data_inventory.is_encrypted(one)
        else KEPT_AS.get(str(one), "in clear")
        for one in data_inventory.personal()
        if one.info["category"] in {"secret", "pseudonym"}
    }

    assert kept == KEPT_AS


def test_nothing_that_gives_access_lies_in_the_database(installation, client):
    with db.transaction() as session:
        new = enrol.Enrolment("Acme", "acme.example", "standard", may_ask="customers")
        at_shop, secret = enrol.enrol(session, new, clock.now())
    order_id = invited(at_shop)
    link_id = invitation_of(order_id).link
    messages = [signed_links.token(purpose, link_id) for purpose in ("review", "stop", "me")]
    staff_link = one_time_link("Kimberley Marker").rpartition("/")[2]
    cookie = sign_in(client, "Robin Marker")

    everything = "\n".join(_dump())
    assert "acme.example" in everything  # the search can find something
    ids = (at_shop.endpoint_id, link_id.hex())
    for opens in (secret, secret.removeprefix("whsec_"), *messages, staff_link, cookie, *ids):
        assert len(opens) > 20
        assert opens not in everything
    assert link_id.decode("latin-1") not in everything
    for person in ("jan@mail.example", "Jan Jansen", "Kimberley", "Robin M"):
        assert person not in everything


def _dump():
    """All that lies in the tables, as it lies there."""
    with db.engine().connect() as connection:
        for table in inspect(db.engine()).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                yield " ".join(
                    bytes(value).decode("latin-1")
                    if isinstance(value, bytes | memoryview)
                    else str(value)
                    for value in row
                )


def test_a_shop_made_for_these_tests_holds_its_secret_encrypted(installation):
    made_shop = shop()

    with db.engine().connect() as connection:
        raw = connection.execute(text("SELECT secret FROM shops")).scalar_one()
    assert bytes(raw).startswith(b"gAAAA"), made_shop.slug
