import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.mail.feedback.webhooks import fake_sns
from tests.mail.feedback.webhooks.fake_sns import CERTIFICATE, HOST, TOPIC, certificate, message
from trustsvc import clock
from trustsvc.errors import Refused, Unauthorised, Unavailable
from trustsvc.http import client
from trustsvc.mail.feedback.webhooks import certificates, sns


@pytest.fixture(autouse=True)
def nothing_known():
    certificates._known.clear()
    yield
    certificates._known.clear()


class Fetched:
    """Answers with a certificate and remembers what was asked for."""

    def __init__(self, pem=None):
        self.pem, self.asked = certificate() if pem is None else pem, []

    def __call__(self, url):
        self.asked.append(url)
        return self.pem


def check(body, fetch=None, topic=TOPIC):
    sns.check(sns.read(body), topic, clock.now(), fetch or Fetched())


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation"])
def test_what_amazon_signed_is_good_by_either_version(kind, version):
    check(message("Hello", kind, version))
    check(
        message("Hello", kind, version, Subject="About it")
        if kind == "Notification"
        else message(kind=kind)
    )


def test_the_text_to_sign_is_that_of_the_guide():
    body = message("Test message", Subject="Test", MessageId="m", Timestamp="t")

    assert (
        sns.canonical(json.loads(body))
        == (
            f"Message\nTest message\nMessageId\nm\nSubject\nTest\nTimestamp\nt\nTopicArn\n{TOPIC}\n"
            "Type\nNotification\n"
        ).encode()
    )


@pytest.mark.parametrize(
    "after",
    [
        {"Message": "Other"},
        {"MessageId": "other"},
        {"Subject": "added"},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "not base64 !"},
        {"Signature": "é"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
        {"SignatureVersion": ""},
    ],
)
def test_what_was_changed_since_is_not(after):
    with pytest.raises(Unauthorised):
        check(message("Hello", after=after))


def test_another_key_is_not_amazons():
    from cryptography.hazmat.primitives.asymmetric import rsa

    with pytest.raises(Unauthorised):
        check(message("Hello", by=rsa.generate_private_key(65537, 2048)))


def test_a_strangers_topic_is_refused_without_asking_anybody():
    fetch = Fetched()

    with pytest.raises(Unauthorised):
        check(message("Hello", TopicArn=TOPIC.replace("123456789012", "999999999999")), fetch)

    assert fetch.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.s3.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://s3.eu-west-1.amazonaws.com/evil/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://evil.example/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://evilsns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://x@sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com/x/../SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem#x",
        "https://sns.eu-west-1.amazonaws.com/?Action=Publish",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://SNS.EU-WEST-1.AMAZONAWS.COM/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://169.254.169.254/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://[::1]/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "https://[bad/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        "file:///etc/passwd",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem\n",
        "",
    ],
)
def test_a_certificate_from_anywhere_else_is_not_asked_for(url):
    fetch = Fetched()

    with pytest.raises(Unauthorised):
        check(message("Hello", SigningCertURL=url), fetch)

    assert fetch.asked == []


def test_the_installation_itself_asks_no_address_inside_and_follows_nobody(tmp_path):
    """The real fetch: what is not https to a public address is not connected to."""
    from trustsvc import config

    config.use(
        config.load({"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_BASE_URL": "https://r.example"})
    )
    try:
        with pytest.raises(Unauthorised):
            sns.check(
                sns.read(message("Hello", SigningCertURL="https://localhost/x.pem")),
                TOPIC,
                clock.now(),
            )
    finally:
        config.use(None)


def test_a_certificate_is_fetched_once():
    fetch = Fetched()

    check(message("Hello"), fetch)
    check(message("Again"), fetch)

    assert fetch.asked == [CERTIFICATE]


def test_a_certificate_of_china_is_asked_for_there():
    topic = "arn:aws-cn:sns:cn-north-1:123456789012:bounces"
    url = CERTIFICATE.replace("eu-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn")

    fetch = Fetched(certificate("sns.cn-north-1.amazonaws.com.cn"))
    check(message("Hello", TopicArn=topic, SigningCertURL=url), fetch, topic)

    assert fetch.asked == [url]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"<html>",
        certificate("evil.example"),
        certificate("evil.example", alternative="sns.amazonaws.com.evil.example"),
        certificate(days=(-300, -1)),
        certificate(days=(1, 300)),
    ],
    ids=["empty", "broken", "page", "other name", "other names", "expired", "of tomorrow"],
)
def test_a_certificate_that_is_none_of_amazons_or_not_valid_now_proves_nothing(pem):
    with pytest.raises(Unauthorised):
        check(message("Hello"), Fetched(pem))

    assert certificates._known == {}


def test_a_weak_key_proves_nothing():
    with pytest.raises(Unauthorised):
        check(
            message("Hello", by=fake_sns.key(1024)),
            Fetched(certificate(signed_with=fake_sns.key(1024))),
        )


def test_a_certificate_that_ends_while_it_is_known_ends():
    check(message("Hello"))
    later = clock.now() + timedelta(days=301)
    body = message("Hello", Timestamp=later.isoformat())

    with pytest.raises(Unauthorised):
        sns.check(sns.read(body), TOPIC, later, Fetched())


def test_an_amazon_that_does_not_answer_is_for_later():
    def away(_):
        raise client.Unreachable

    with pytest.raises(Unavailable):
        check(message("Hello"), away)


@pytest.mark.parametrize(
    ("hours", "good"), [(0, True), (-23, True), (-25, False), (0.2, True), (0.5, False)]
)
def test_what_is_a_day_old_or_of_the_future_is_not_taken(hours, good):
    at = (clock.now() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    if good:
        check(message("Hello", Timestamp=at))
    else:
        with pytest.raises(Unauthorised):
            check(message("Hello", Timestamp=at))


@pytest.mark.parametrize("text", ["", "yesterday", "0", "9" * 400])
def test_a_moment_that_is_none_is_refused(text):
    with pytest.raises(Unauthorised):
        check(message("Hello", Timestamp=text))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"1", b"\xff", b"[" * 100_000, b'{"Type": "Notification"}',
        b'{"Type": []}', message("x", Message=...), message("x", after={"Message": 5}),
        message("x", after={"Signature": None}), message("x", "Other"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(body):
    with pytest.raises(Refused):
        sns.read(body)


@given(some.binary(max_size=200) | some.text(max_size=200).map(str.encode))
def test_any_bytes_are_refused_and_raise_nothing_else(body):
    with pytest.raises(Refused):
        sns.read(body)


@given(some.fixed_dictionaries({name: some.text(max_size=60) for name in sns._ALWAYS}))
def test_any_texts_in_the_fields_are_refused_and_raise_nothing_else(given):
    more = {"Signature": "AAAA", "SignatureVersion": "2", "SigningCertURL": CERTIFICATE}
    body = {**given, **more, "Type": "Notification", "TopicArn": TOPIC}

    with pytest.raises(Unauthorised):
        check(json.dumps(body).encode())


def confirmation(**changes):
    return sns.read(message(kind="SubscriptionConfirmation", **changes))


def test_a_subscription_is_confirmed_at_amazon_by_an_address_made_here():
    fetch = Fetched()

    sns.confirm(confirmation(), TOPIC, fetch)

    arn = "arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces"
    token = "2336412f37fb687f5d51e6e241d09c8058"
    assert fetch.asked == [f"{HOST}/?Action=ConfirmSubscription&TopicArn={arn}&Token={token}"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:6379/", "https://169.254.169.254/latest/meta-data/", "https://evil.example/",
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription", "file:///etc/passwd",
        "https://sns.eu-west-1.amazonaws.com:22/", "http://sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com@127.0.0.1/", "https://[::1]/", "",
    ],
)  # fmt: skip
def test_an_address_to_subscribe_that_leads_elsewhere_is_not_asked(url):
    fetch = Fetched()

    with pytest.raises(Unauthorised):
        sns.confirm(confirmation(SubscribeURL=url), TOPIC, fetch)

    assert fetch.asked == []


@pytest.mark.parametrize("token", ["", "a b", "x&TopicArn=y", "../", "é"])
def test_a_token_that_is_none_is_not_passed_on(token):
    fetch = Fetched()

    with pytest.raises(Unauthorised):
        sns.confirm(confirmation(Token=token), TOPIC, fetch)

    assert fetch.asked == []
