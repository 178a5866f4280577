from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from trustsvc.mail.message import (
    MAX_NAME,
    MAX_SUBJECT,
    Message,
    UnwritableMessage,
    ascii_address,
    reply_to,
    single_line,
    to_bytes,
)

AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
OURS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "MIME-Version",
    "Content-Type",
]


def email_message(**changes):
    return Message(
        **{
            "to_address": "jan@mail.example",
            "to_name": "Jan",
            "from_name": "Shop",
            "subject": "Hello",
            "text": "text\n",
            "html": "<p>html</p>\n",
            "message_id": "abc@trust.example",
            "at": AT,
            "headers": {"List-Unsubscribe": "<https://trust.example/u/x.y>"},
        }
        | changes
    )


def written(**changes):
    return to_bytes(email_message(**changes), "reviews@trust.example").data


hostile = some.text(max_size=150) | some.sampled_from(
    [
        "Review=?UTF-8?Q?=0A?=Bcc: injected@mail.example",
        "=?utf-8?b?DQpCY2M6IHhAeS56?=",
        "=?=?utf-8?q?x?=?=",
        "a\r\nBcc: x@y.z",
        "a\nBcc: x@y.z\n\nbody",
        "a\x00b\x0bc\x0cd\x85e",
        "\u2028\u2029Bcc: x",
        "\u202eevil\u2066",
        '"quoted" <x@y.z>, "b"',
        "a\\",
        "\ud800",
        "é" * 300,
        "👩‍👩‍👧" * 30,
        "(comment",
        "x" * 1000,
        " ",
    ]
)


@given(hostile, hostile, hostile)
@example("Review=?UTF-8?Q?=0A?=Bcc: injected@mail.example", "a\r\nBcc: x", "\u2028X-Evil: 1")
def test_exactly_the_declared_headers_come_back_whatever_the_names_are(to_name, shop, subject):
    data = written(to_name=to_name, from_name=shop, subject=subject)

    assert data.isascii()
    head, _, _ = data.partition(b"\r\n\r\n")
    assert all(len(line) <= 78 for line in head.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    for rules in (policy.default, policy.compat32):
        message = message_from_bytes(data, policy=rules)
        assert message.keys() == OURS
        assert message.defects == []
        assert [part.get_content_type() for part in message.get_payload()] == [
            "text/plain",
            "text/html",
        ]
    new = message_from_bytes(data, policy=policy.default)
    assert [one.addr_spec for one in new["To"].addresses] == ["jan@mail.example"]
    assert [one.addr_spec for one in new["From"].addresses] == ["reviews@trust.example"]
    # Python 3.11.7 puts a space between two encoded words of a name (RFC 2047 6.2 says none).
    shown = new["To"].addresses[0].display_name
    assert shown.replace(" ", "") == single_line(to_name).replace(" ", "")
    assert new["Subject"] == single_line(subject, MAX_SUBJECT)
    old = message_from_bytes(data, policy=policy.compat32)
    read = str(make_header(decode_header(old["Subject"]))) if old["Subject"] else ""
    assert read == single_line(subject, MAX_SUBJECT)


@given(hostile)
def test_a_cleaned_name_is_one_line_and_cleaning_twice_changes_nothing(text):
    once = single_line(text)

    assert single_line(once) == once
    assert once == " ".join(once.split())
    assert "=?" not in once
    assert len(once) <= MAX_NAME


@given(some.text(max_size=400), some.text(max_size=400))
def test_the_bodies_come_back_as_they_were(text, html):
    data = written(text=text, html=html)

    message = message_from_bytes(data, policy=policy.default)
    for part, was in zip(message.iter_parts(), (text, html), strict=True):
        lines = was.replace("\r\n", "\n").replace("\r", "\n")
        lines = lines if lines.endswith("\n") else lines + "\n"
        got = part.get_payload(decode=True).decode().replace("\r\n", "\n")
        assert got == lines.encode("utf-8", "replace").decode() or got + "\n" == lines
    assert all(len(line) <= 200 for line in data.split(b"\r\n"))


@given(some.text(max_size=80))
def test_an_address_is_written_as_it_is_or_refused(address):
    try:
        envelope = to_bytes(email_message(to_address=address), "reviews@trust.example")
    except UnwritableMessage:
        return
    assert not set('\r\n <>,;"()') & set(envelope.recipient)
    message = message_from_bytes(envelope.data, policy=policy.default)
    assert message.keys() == OURS


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jan",
        "jan@",
        "@mail.example",
        "jan@example",
        "a b@mail.example",
        "jan@mail.example\r\nRCPT TO:<x@y.z>",
        "jan@mail.example>\r\n",
        "jan@exa\nmple.com",
        "<jan@mail.example>",
        "jan@mail.example,piet@mail.example",
        "jan@[127.0.0.1]",
        '"a b"@mail.example',
        "=?utf-8?q?x?=@mail.example",
        "a..b@mail.example",
        ".a@mail.example",
        f"{'a' * 65}@mail.example",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.com",
        "jan\x00@mail.example",
        "jan\u202e@mail.example",
    ],
)
def test_what_is_no_address_is_refused_by_a_code(address):
    with pytest.raises(UnwritableMessage, match=r"^address$"):
        written(to_address=address)


@pytest.mark.parametrize(
    ("address", "recipient", "utf8"),
    [
        ("Jan@MAIL.example", "Jan@mail.example", False),
        (" jan+shop@mail.example ", "jan+shop@mail.example", False),
        ("info@bücher.example", "info@xn--bcher-kva.example", False),
        ("o'neil@faß.de", "o'neil@xn--fa-hia.de", False),
        ("例@例え.テスト", "例@xn--r8jz45g.xn--zckzah", True),
    ],
)
def test_domains_are_written_as_idna_and_local_parts_as_they_are(address, recipient, utf8):
    envelope = to_bytes(email_message(to_address=address), "reviews@trust.example")

    assert (envelope.recipient, envelope.utf8) == (recipient, utf8)
    assert f"<{recipient}>".encode() in envelope.data


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nBcc: x"),
        ("X-A", "a\nb"),
        ("X-A", ""),
        ("X-A", "é"),
        ("X-A", "=?utf-8?q?=0a?="),
        ("X A", "a"),
        ("X-A:", "a"),
        ("X-A\r\nBcc", "a"),
        ("Subject", "a"),
        ("to", "a"),
        ("Content-Type", "text/html"),
    ],
)
def test_a_header_that_is_not_one_plain_line_is_refused(name, value):
    with pytest.raises(UnwritableMessage, match=r"^header$"):
        written(headers={name: value})


def test_a_message_id_with_a_line_in_it_is_refused():
    with pytest.raises(UnwritableMessage):
        written(message_id="a@b>\r\nBcc: x")


def test_the_same_message_is_the_same_bytes():
    assert written() == written()


def test_neither_message_nor_envelope_shows_what_is_in_it():
    assert "jan@mail" not in repr(email_message())
    assert "jan@mail" not in repr(to_bytes(email_message(), "reviews@trust.example"))


def test_an_address_for_answers_is_one_header_line():
    assert reply_to("") == {}
    data = written(headers=reply_to(ascii_address("Service@Shop.Example")))

    message = message_from_bytes(data, policy=policy.default)
    assert message.get_all("Reply-To") == ["Service@shop.example"]


@pytest.mark.parametrize(
    "text", ["a@b.example\r\nBcc: x@y.z", "a@b.example,c@d.example", "é@b.example"]
)
def test_what_is_not_one_address_in_ascii_is_no_address_for_answers(text):
    with pytest.raises(UnwritableMessage):
        ascii_address(text)


def test_a_line_smuggled_into_the_table_of_shops_still_writes_no_header():
    with pytest.raises(UnwritableMessage):
        written(headers=reply_to("a@b.example\r\nBcc: x@y.z"))
