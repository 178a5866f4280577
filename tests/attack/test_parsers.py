"""No reader of outside text costs more than 50 ms of CPU, whatever the text.

The readers of trustsvc/input_limits.py, of orders, of mail reports, of catch-up answers.
"""

from datetime import UTC, datetime

import pytest

from tests.attack import cpu, hostile
from trustsvc import address, address_rules, countries, input_limits, person_name
from trustsvc.errors import TrustsvcError
from trustsvc.http import request_body
from trustsvc.http.exchange import HttpAnswer
from trustsvc.mail.feedback.parsers import postmark, returned_message, ses
from trustsvc.mail.feedback.webhooks import sns
from trustsvc.orders.catch_up import fetch
from trustsvc.orders.catch_up.paging import Position
from trustsvc.orders.catch_up.platforms import APIS
from trustsvc.orders.platforms import PLATFORMS, fields
from trustsvc.orders.platforms.locales import locale_of
from trustsvc.reviews import policy

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 28, tzinfo=UTC)
# A message is read by a process of its own, which takes a second to start.
MESSAGE_S = 0.25
EMAIL = "anna@mail.example"
# An order of each platform in which each text that is read is the hostile one; and lists of rows.
ORDERS = {
    "standard": lambda text: {
        "type": text,
        "data": {
            "reference": "1",
            "email": text,
            "name": text,
            "tags": text,
            "locale": text,
            "status": text,
            "country": text,
            "consent": text,
            "total": text,
            "created_at": text,
            "customer": {"email": EMAIL, "name": text},
        },
    },
    "shopify": lambda text: {
        "id": 1,
        "order_number": 1,
        "email": text,
        "tags": text,
        "customer_locale": text,
        "created_at": text,
        "source_name": text,
        "customer": {"first_name": text, "last_name": text, "email": EMAIL, "tags": text},
        "billing_address": {"first_name": text, "country": text, "city": text},
        "note_attributes": [{"name": text, "value": text}],
    },
    "woocommerce": lambda text: {
        "id": 1,
        "status": "processing",
        "billing": {"first_name": text, "last_name": text, "email": EMAIL, "country": text},
        "shipping": {"country": text},
        "date_created_gmt": text,
        "customer_note": text,
        "meta_data": [{"key": text, "value": text}, {"key": "trustsvc_tags", "value": text}],
    },
    "lightspeed": lambda text: {
        "order": {
            "id": 1,
            "firstname": text,
            "middlename": text,
            "lastname": text,
            "email": EMAIL,
            "memo": text,
            "createdAt": text,
            "channel": text,
            "language": {"code": text},
        }
    },
}
ROW = {
    "standard": {"reference": "1", "email": EMAIL, "tags": ["a"] * 9000},
    "shopify": {
        "id": 1,
        "order_number": 1,
        "email": EMAIL,
        "note_attributes": [{"name": "a", "value": "b"}] * 4000,
        "fulfillments": [{"status": "a", "updated_at": "x y z 12"}] * 2000,
    },
    "woocommerce": {
        "id": 1,
        "billing": {"email": EMAIL},
        "refunds": [{"total": "1"}] * 2000,
        "meta_data": [{"key": "_tracking_number", "value": [{"date_shipped": "x"}]}] * 3000,
    },
    "lightspeed": {
        "order": {
            "id": 1,
            "email": EMAIL,
            "products": {"resource": {"embedded": [{"quantityReturned": 1}] * 8000}},
        }
    },
}
# Lists as long as a body of 256 KiB may be: what is beyond the first ones is looked at, too.
LONG_LISTS = {
    "standard": lambda row: {"reference": "1", "email": EMAIL, "tags": row, "attributes": row},
    "shopify": lambda row: {
        "id": 1,
        "order_number": 1,
        "email": EMAIL,
        "created_at": "2026-11-01T10:00:00Z",
        "tags": row,
        "note_attributes": row,
    },
    "woocommerce": lambda row: {"id": 1, "billing": {"email": EMAIL}, "tags": row},
    "lightspeed": lambda row: {"order": {"id": 1, "email": EMAIL, "tags": row}},
}
IN_A_LIST = {
    "tags": ["a"] * 24_000,
    "tags that may be a no": ["do-not-asks"] * 8_000,
    "tags by name": [{"name": "a"}] * 8_500,
    "names that may be a no": [{"name": "ask"}] * 7_500,
    "nothing": [{}] * 30_000,
}
TEXT_READERS = {
    "marks": input_limits.stream_safe,
    "a review": lambda text: policy.clean(text, lines=True),
    "a form": lambda text: policy.read_form(dict.fromkeys(["title", "text", "name", "city"], text)),
    "a name": lambda text: fields.name({"name": text}, "name"),
    "a name to greet": lambda text: person_name.greetable(text[: fields.MAX_NAME_LENGTH]),
    "a public name": policy.public_name,
    "an address": address.normalise,
    "an address's domain": lambda text: address.normalise(f"anna@{text}"),
    "an address's two parts": lambda text: fields.email({"email": f"{text}@{text}"}, "email"),
    "an anonymised address": lambda text: address_rules.is_anonymised(
        fields.text({"email": f"{text}@{text}"}, "email")
    ),
    "a country": countries.find,
    "a locale": lambda text: locale_of([text], text),
    "a moment": lambda text: fields.moment({"at": text}, NOW, "at"),
    "JSON": lambda text: fields.tree(text.encode("utf-8", "surrogatepass")),
    "a report of Postmark": lambda text: postmark.read(
        {
            "RecordType": "Bounce",
            "Type": "HardBounce",
            "Details": text,
            "Metadata": {"letter": text},
        }
    ),
    "a report of SES": ses.read,
    "an SNS message": lambda text: sns.read(text.encode("utf-8", "surrogatepass")),
    "a time to wait": lambda text: fetch.retry_after(
        HttpAnswer(429, {"retry-after": text[:65_000]}, b""), NOW
    ),
}


def quietly(read, *given):
    """Read; what is refused is refused, with nothing of it repeated."""
    try:
        return read(*given)
    except TrustsvcError as refused:
        said = str(refused)
    assert not any(piece in said for piece in (hostile.MARKS, "aaaa", "9999"))
    return said


@pytest.fixture(scope="module", autouse=True)
def _warm():
    for platform, order in ORDERS.items():
        PLATFORMS[platform].parse({}, hostile.body(order("1")), NOW)


@pytest.mark.parametrize("reader", TEXT_READERS)
def test_a_reader_of_text_is_quick_whatever_the_text(reader):
    for name, text in hostile.TEXTS.items():
        cpu.require(f"{reader}: {name}", lambda text=text: quietly(TEXT_READERS[reader], text))


@pytest.mark.parametrize("platform", ORDERS)
def test_an_order_is_read_quickly_whatever_its_texts(platform):
    for name, piece in hostile.PIECES.items():
        rows = hostile.body(ORDERS[platform](hostile.text(piece, hostile.BYTES // 14)))
        work = lambda rows=rows: quietly(PLATFORMS[platform].parse, {}, rows, NOW)  # noqa: E731
        cpu.require(f"{platform}: {name}", work)


@pytest.mark.parametrize("platform", ORDERS)
def test_an_order_is_read_quickly_whatever_its_form(platform):
    for name, body in hostile.JSON.items():
        wrapped = b'{"order": ' + body + b"}" if platform == "lightspeed" else body
        work = lambda body=wrapped: quietly(PLATFORMS[platform].parse, {}, body, NOW)  # noqa: E731
        cpu.require(f"{platform}: {name}", work)
    for name, row in IN_A_LIST.items():
        body = hostile.body(LONG_LISTS[platform](row))
        assert len(body) <= request_body.MAX_BODY_BYTES
        work = lambda body=body: quietly(PLATFORMS[platform].parse, {}, body, NOW)  # noqa: E731
        cpu.require(f"{platform}: list of {name}", work)
    rows = hostile.body(ROW[platform])
    cpu.require(f"{platform}: rows", lambda: quietly(PLATFORMS[platform].parse, {}, rows, NOW))


def test_a_report_of_a_provider_is_read_quickly_whatever_its_words():
    words = [*BOUNCE_WORDS, *hostile.PIECES.values()]
    for piece in words:
        text = hostile.text(piece)
        bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"diagnosticCode": text}] * 2}
        inner = hostile.body({"eventType": "Bounce", "bounce": bounce, "mail": {"source": text}})
        cpu.require(f"SES: {piece!r}", lambda inner=inner: ses.read(inner.decode()))
    for name, body in hostile.JSON.items():
        cpu.require(f"SES: {name}", lambda body=body: ses.read(body.decode()))


BOUNCE_WORDS = (
    "user<",
    "unknown to ",
    "to ",
    "does not have a ",
    "5.1.",
    "2",
    "user a@b.c unknown\n",
)
HEAD = b"From: mailer-daemon@mail.example\r\nSubject: undeliverable\r\n"
REPORT = (
    b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: x\r\nDiagnostic-Code: "
)
MESSAGES = {
    "parts in parts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(10_000)
    ),
    "messages in messages": b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 100_000,
    "parameters": b"Content-Type: multipart/mixed; " + b"a=b;" * 200_000,
    "open quotes": b"Content-Type: multipart/mixed" + b';a="' * 200_000,
    "quoted-printable": HEAD
    + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"=\n" * 500_000,
    "base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A=" * 500_000,
    "fields": b"A: b\r\n" * 170_000,
    "folded fields": b"A: b\r\n" + b" c\r\n" * 200_000,
}


@pytest.mark.parametrize("place", ["text", "subject", "head", "status"])
def test_a_returned_message_is_read_quickly_whatever_it_says(place):
    before, after = {
        "text": (HEAD + b"\r\n", b""),
        "subject": (HEAD[:-2], b"\r\n\r\nHello."),
        "head": (HEAD, b""),
        "status": (REPORT, b"\r\n--b--"),
    }[place]
    for piece in ("user<", "unknown to ", "user a@b.c unknown\n", "\n", "> ", hostile.MARKS):
        text = hostile.text(piece, 150_000).encode()
        text = text.replace(b"\n", b" ") if place == "subject" else text
        message = before + text + after
        cpu.require(f"{place}: {piece!r}", lambda m=message: returned_message.read(m), 0, MESSAGE_S)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_returned_message_is_read_quickly_whatever_its_form(name):
    cpu.require(name, lambda: returned_message.read(MESSAGES[name]), 0, MESSAGE_S)


def test_a_list_of_a_shop_s_api_is_read_quickly_whatever_its_link():
    pieces = ("<", "<?page_info=", "<?page_info=a", "?page_info=a", "<?page_info=a>;", " ")
    for piece in pieces:
        link = hostile.text(piece, 60_000)
        answer = HttpAnswer(200, {"link": "<" + link}, b'{"orders": []}')
        work = lambda answer=answer: APIS["shopify"].read_orders(answer, Position(NOW, 1), NOW)  # noqa: E731
        cpu.require(f"link: {piece!r}", work)
