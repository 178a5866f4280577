import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.invitations.sample_orders import NOON, Post, invited, message_of, sent, shop
from trustsvc import config
from trustsvc.crypto import keyring, signed_links
from trustsvc.errors import Misconfigured
from trustsvc.mail import message
from trustsvc.mail.message import DeliveryResult, DeliveryStatus, Message
from trustsvc.mail.outbox import return_path


def with_settings(installation, **more):
    environ = {f"TRUSTSVC_{name}": value for name, value in more.items()}
    config.use(config.load({"TRUSTSVC_DATA": str(installation.data), **environ}))


@pytest.fixture(params=["sqlite"])
def database(request):
    return request.param


def test_a_code_is_26_characters_that_no_mail_server_changes_and_its_own():
    codes = {return_path.code(signed_links.new_id()) for _ in range(196)}

    assert len(codes) == 196
    assert all(re.fullmatch("[a-z2-7]{26}", code) for code in codes)


def test_a_code_stays_alike_over_attempts_and_a_rotation(installation):
    order_id = invited(shop())
    deferred = DeliveryResult(DeliveryStatus.DEFERRED, "smtp_451")
    (first,) = sent(Post(deferred)).messages
    keyring.rotate("lookup")
    (second,) = sent(now=NOON + timedelta(minutes=2)).messages

    assert first.message_id == second.message_id
    assert first.message_id.startswith(f"{return_path.code(message_of(order_id).token)}@")


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
def test_only_a_provider_that_replaces_our_sender_is_told_the_code_in_a_header(
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
def test_a_return_path_that_is_no_plain_address_is_not_said(hostile):
    with pytest.raises(message.UnwritableMessage):
        message.to_bytes(email_message(return_path=hostile), "reviews@shop.example")
