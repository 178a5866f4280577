import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.invitations.sample_orders import (
    NOON,
    Post,
    invitation_of,
    invited,
    message_of,
    sent,
    shop,
)
from trustsvc import config
from trustsvc.crypto import keyring, signed_links
from trustsvc.errors import Misconfigured, NotFound
from trustsvc.mail import message
from trustsvc.mail.message import Message, SendResult, SendStatus
from trustsvc.mail.outbox import return_path
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db


def with_settings(installation, **more):
    environ = {f"TRUSTSVC_{name}": value for name, value in more.items()}
    config.use(config.load({"TRUSTSVC_DATA": str(installation.data), **environ}))


@pytest.fixture(params=["sqlite"])
def database(request):
    return request.param


def test_a_code_is_26_characters_that_no_mail_server_changes_and_its_own(installation):
    codes = {return_path.code(signed_links.new_id()) for _ in range(196)}

    assert len(codes) == 196
    assert all(re.fullmatch("[a-z2-7]{26}", code) for code in codes)


def test_a_code_stays_alike_over_attempts_and_a_rotation(installation):
    order_id = invited(shop())
    deferred = SendResult(SendStatus.DEFERRED, "smtp_451")
    (first,) = sent(Post(deferred)).messages
    keyring.rotate("lookup")
    (second,) = sent(now=NOON + timedelta(minutes=2)).messages

    assert first.message_id == second.message_id
    assert first.message_id.startswith(f"{return_path.code(message_of(order_id).token)}@")


def plainly(token):
    return base64.b32encode(token).decode().rstrip("=").lower()


def test_who_reads_the_database_cannot_make_a_code(installation):
    order_id = invited(shop())
    row = message_of(order_id)
    stored = [value for value in (*row, *invitation_of(order_id)) if isinstance(value, bytes)]
    assert row.token in stored

    with db.reading() as session:
        assert [return_path.find(session, [plainly(one)]) for one in stored] == [None] * len(stored)
        assert return_path.find(session, [return_path.code(row.token)]).id == row.id


def test_one_code_that_is_seen_says_nothing_of_another_messages_though_both_rows_are_known(
    installation,
):
    first, second = message_of(invited(shop())), message_of(invited(shop(), email="b@mail.example"))
    seen = base64.b32decode(return_path.code(first.token).upper() + "======")
    pad = bytes(a ^ b for a, b in zip(seen, first.token, strict=True))
    guessed = bytes(a ^ b for a, b in zip(pad, second.token, strict=True))

    with db.reading() as session:
        assert return_path.find(session, [plainly(guessed)]) is None


def test_a_code_opens_no_link_and_a_link_names_no_message(installation):
    order_id = invited(shop())
    token, link = message_of(order_id).token, invitation_of(order_id).link

    for purpose in signed_links.PATHS:
        for text in (return_path.code(token), base64.urlsafe_b64encode(token).decode().rstrip("=")):
            with pytest.raises(NotFound):
                signed_links.verify(purpose, text)
        signed = signed_links.token(purpose, link)
        with db.reading() as session:
            assert return_path.find(session, [signed, signed[:26], plainly(link)]) is None


def test_a_report_about_a_kind_of_a_newer_version_names_no_message(installation):
    token = message_of(invited(shop())).token
    with db.transaction() as session:
        session.execute(update(messages).values(kind="newsletter"))

    with db.reading() as session:
        assert return_path.find(session, [return_path.code(token)]) is None


def test_the_envelopes_sender_is_the_setting_with_the_code(installation):
    with_settings(installation, MAIL_RETURN="bounces@shop.example")

    assert return_path.address("c" * 26) == f"bounces+{'c' * 26}@shop.example"


def test_without_the_setting_there_is_none(installation):
    assert return_path.address("c" * 26) == ""


@pytest.mark.parametrize(
    "address",
    [
        "bounces",
        "@shop.example",
        "a b@shop.example",
        "a@b, c@d",
        "a" * 38 + "@shop.example",
        "é@x.example",
    ],
)
def test_a_setting_that_cannot_carry_a_code_is_refused(tmp_path, address):
    with pytest.raises(Misconfigured, match="TRUSTSVC_MAIL_RETURN"):
        config.load({"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_MAIL_RETURN": address})


@pytest.mark.parametrize(
    ("url", "marks"),
    [
        ("smtp://u:p@smtp.postmarkapp.com:587", {"X-PM-Metadata-letter": "c"}),
        ("smtps://u:p@email-smtp.eu-west-1.amazonaws.com", {"X-SES-MESSAGE-TAGS": "letter=c"}),
        ("smtp://u:p@smtp.shop.example", {}),
        ("smtp://u:p@postmarkapp.com.evil.example", {}),
        ("", {}),
    ],
)
def test_only_a_provider_that_replaces_our_sender_gets_the_code_in_a_header(
    installation, url, marks
):
    with_settings(installation, MAIL_URL=url)

    assert return_path.provider_headers("c") == marks


def email_message(**more):
    return Message(
        "jan@mail.example", "Jan", "Shop", "Hello", "text", "<p>html</p>", "id@shop.example",
        datetime(2026, 6, 10, tzinfo=UTC), **more,
    )  # fmt: skip


def test_the_return_path_is_in_the_envelope_and_nowhere_in_the_message():
    plain = message.to_bytes(email_message(), "reviews@shop.example")
    coded = message.to_bytes(
        email_message(return_path="bounces+c@shop.example"), "reviews@shop.example"
    )

    assert (plain.sender, coded.sender) == ("reviews@shop.example", "bounces+c@shop.example")
    assert plain.data == coded.data


@pytest.mark.parametrize(
    "hostile",
    [
        "x",
        "a@b>\r\nRCPT TO:<c@d",
        "a b@c",
        "a@b c",
        "<a@b>",
        "a@",
        "@b",
        "a" * 65 + "@b",
        "é@b.example",
    ],
)
def test_a_return_path_that_is_no_plain_address_is_not_sent(hostile):
    with pytest.raises(message.UnwritableMessage):
        message.to_bytes(email_message(return_path=hostile), "reviews@shop.example")
