"""Tests:
trustsvc/mail/feedback/parsers/arf.py
trustsvc/mail/feedback/parsers/bounce_classes.py
trustsvc/mail/feedback/parsers/dsn.py
trustsvc/mail/feedback/parsers/other_formats.py
trustsvc/mail/feedback/parsers/return_codes.py
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.mail.feedback.parsers.corpus import BY_NAME, CODE, SAMPLES
from trustsvc.mail.feedback.parsers import mime, returned_message
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report

pytestmark = pytest.mark.slow

NAMES = [name for name, _, _ in SAMPLES]


def kind_of(data):
    found = returned_message.read(data)
    return found.kind if isinstance(found, Report) else "ignored"


@pytest.mark.parametrize(("name", "kind", "data"), SAMPLES, ids=NAMES)
def test_each_sample_has_the_class_that_was_written_down_for_it(name, kind, data):
    assert kind == kind_of(data)


def test_at_least_98_percent_of_at_least_50_notifications_are_classed_right():
    right = [kind == kind_of(data) for _, kind, data in SAMPLES]

    assert len(SAMPLES) >= 50
    assert len(set(NAMES)) == len(NAMES)
    assert sum(right) / len(right) >= 0.98


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, kind, data in SAMPLES if kind != "ignored"]
)
def test_each_report_names_its_message(name, data):
    assert returned_message.read(data).codes == (CODE,)


def test_the_return_path_it_came_to_goes_before_the_message_id():
    other = "z" * 26
    data = BY_NAME["Sendmail: user unknown"]

    found = returned_message.read(
        data.replace(f"bounces+{CODE}".encode(), f"bounces+{other}".encode(), 1)
    )

    assert found.codes == (other, CODE)


def test_a_code_is_read_whatever_happened_to_its_case():
    data = BY_NAME["qmail: over quota"]

    assert returned_message.read(data.replace(CODE.encode(), CODE.upper().encode())).codes == (
        CODE,
    )


HOSTILE = {
    "nested without end": b"Content-Type: multipart/mixed; boundary=a\n\n"
    + b"--a\nContent-Type: multipart/mixed; boundary=a\n\n" * 20_000,
    "letters in letters": b"Content-Type: message/rfc822\n\n" * 30_000,
    "a million headers": b"X: y\n" * 1_000_000,
    "a header of ten megabytes": b"Subject: " + b"x" * 10_000_000,
    "a folded header without end": b"Subject: x\n" + b" y\n" * 400_000,
    "parameters without end": b"Content-Type: multipart/report; " + b"a=b; " * 100_000 + b"\n\n",
    "a boundary of megabytes": b'Content-Type: multipart/report; boundary="' + b"a" * 900_000,
    "parts without end": b"Content-Type: multipart/report; boundary=a\n\n" + b"--a\n\n\n" * 100_000,
    "recipients without end": b"Content-Type: message/delivery-status\n\n"
    + b"Status: 5.1.1\nAction: failed\n\n" * 30_000,
    "words without end": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"user " * 200_000,
    "digits without end": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"5.1." * 200_000,
    "brackets without end": b"From: MAILER-DAEMON\nSubject: failure notice\n\n"
    + b"user <" * 150_000,
    "NULs": b"\0" * 1_000_000,
    "ten megabytes behind a report": BY_NAME["Zimbra: over quota"] + b"x" * 10_000_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_nothing_a_stranger_sends_keeps_it_busy(data):
    assert isinstance(returned_message.read(data), Report | IgnoredReport)


@given(some.binary(max_size=2000))
def test_any_bytes_are_read_without_an_exception(data):
    assert isinstance(returned_message.read(data), Report | IgnoredReport)


PIECES = some.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=a\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/feedback-report\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"From: MAILER-DAEMON\n",
        b"Subject: failure notice\n",
        b"Status: 5.1.1\n",
        b"Status: 5.\xff.1\n",
        b"Action: failed\n",
        b"Feedback-Type: abuse\n",
        b"\n",
        b"--a\n",
        b"--a--\n",
        b"\0\xff\xfe\n",
        b"=\n",
    ]
)


@pytest.mark.slow
@settings(max_examples=300)
@given(some.lists(PIECES, max_size=30).map(b"".join))
def test_pieces_of_reports_in_any_order_are_read_without_an_exception(data):
    assert isinstance(returned_message.read(data), Report | IgnoredReport)


def test_a_message_is_read_up_to_its_bounds():
    deep = b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\nX: y\n\nz\n" * 500

    assert len(list(mime.read(deep).walk())) == mime.MOST_PARTS + 1
