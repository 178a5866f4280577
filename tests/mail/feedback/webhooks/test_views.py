"""The providers' endpoints, through the app: what is proven, what is not, and what it does."""

import base64
import json
import threading

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from tests.invitations.sample_orders import (
    invitation_of,
    invited,
    message_of,
    order_row,
    quiet,
    sent,
    shop,
)
from tests.mail.feedback.test_delivery_reports import code_of, reports, suppressed
from tests.mail.feedback.webhooks import fake_sns
from tests.mail.feedback.webhooks.fake_sns import BOUNCE, TOPIC, event, message
from trustsvc import clock, config, http
from trustsvc.cli import mail, main
from trustsvc.mail.feedback.models import mail_endpoints
from trustsvc.mail.feedback.webhooks import certificates, endpoints
from trustsvc.storage import db

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(client):
    order_id = invited(shop())
    sent()
    return order_id


def add_endpoint(provider, topic=None):
    with db.transaction() as session:
        return endpoints.add(session, provider, topic, clock.now())


class Postmark:
    def __init__(self, client):
        self.client = client
        self.endpoint, self.id = add_endpoint("postmark")

    def post(self, body, secret=None, user="trustsvc", endpoint_id=None, **more):
        word = f"{user}:{self.endpoint.secret if secret is None else secret}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(word).decode()}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/mail-events/postmark/{endpoint_id or self.id}"
        with quiet():
            answer = self.client.post(path, data=data, headers=more.get("headers", headers))
        return answer.status_code, answer.json


class Ses:
    def __init__(self, client):
        certificates._known.clear()
        fake_sns.known()
        self.client = client
        self.endpoint, self.id = add_endpoint("ses", TOPIC)

    def post(self, body):
        with quiet():
            answer = self.client.post(f"/mail-events/ses/{self.id}", data=body)
        return answer.status_code, answer.json


@pytest.fixture
def postmark(client):
    return Postmark(client)


@pytest.fixture
def ses(client):
    yield Ses(client)
    certificates._known.clear()


def bounce_of(order_id, kind="HardBounce", **more):
    return {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": kind,
        "TypeCode": 1,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Description": "The server was unable to deliver your message (ex: unknown user).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": "jan@mail.example",
        "From": "reviews@shop.example",
        "Metadata": {"letter": code_of(order_id)},
        **more,
    }


TAKEN = (200, {"status": "taken"})
DUPLICATE = (200, {"status": "duplicate"})
NOT_OURS = (200, {"status": "ignored", "reason": "unknown_letter"})


def test_postmarks_hard_bounce_suppresses(postmark, asked):
    assert postmark.post(bounce_of(asked)) == TAKEN
    assert postmark.post(bounce_of(asked)) == DUPLICATE

    assert reports() == [("hard", "5.1.1", "postmark")]
    assert invitation_of(asked).reason == "undeliverable"


def test_postmarks_complaint_stops(postmark, asked):
    body = {
        "RecordType": "SpamComplaint",
        "Type": "SpamComplaint",
        "Metadata": {"letter": code_of(asked)},
    }

    assert postmark.post(body) == TAKEN
    assert [reason for _, reason in suppressed()] == ["complaint", "complaint"]


def test_postmark_without_its_secret_changes_nothing(postmark, asked):
    body = bounce_of(asked)
    other, other_id = add_endpoint("postmark")
    wrong = [
        postmark.post(body, secret=""),
        postmark.post(body, secret=other.secret),
        postmark.post(body, user="postmark"),
        postmark.post(body, endpoint_id=other_id),
        postmark.post(body, endpoint_id="a" * 32),
        postmark.post(body, endpoint_id="a%00b"),
        postmark.post(body, headers={}),
        postmark.post(body, headers={"Authorization": "Basic"}),
        postmark.post(body, headers={"Authorization": "Basic é"}),
        postmark.post(body, headers={"Authorization": f"Bearer {postmark.endpoint.secret}"}),
    ]

    assert {status for status, _ in wrong} == {401}
    assert len({json.dumps(answer) for _, answer in wrong}) == 1
    assert (reports(), suppressed()) == ([], [])
    assert order_row(asked).email


def test_an_endpoint_of_the_one_does_not_open_for_the_other(postmark, ses, asked):
    code, _ = postmark.post(bounce_of(asked), endpoint_id=ses.id)
    answer = ses.client.post(f"/mail-events/ses/{postmark.id}", data=message(""))

    assert (code, answer.status_code) == (401, 401)


def test_a_proven_event_about_no_message_of_ours_is_taken_and_changes_nothing(postmark, asked):
    assert postmark.post(bounce_of(asked, Metadata={"letter": "a" * 26})) == NOT_OURS
    assert postmark.post(bounce_of(asked, Metadata={})) == NOT_OURS
    assert postmark.post(bounce_of(asked, Metadata={"letter": ["x"]})) == NOT_OURS
    assert suppressed() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\x00", b"[" * 90_000])
def test_what_is_not_json_is_400_and_never_echoed(postmark, body):
    status, answer = postmark.post(body)

    assert (status, answer["status"]) == (400, 400)


def test_what_is_too_large_is_413_before_anything_else(client):
    answer = client.post("/mail-events/postmark/nowhere", data=b"x" * (256 * 1024 + 1))

    assert answer.status_code == 413


def test_only_post_opens_it(client):
    found = {
        method: client.open("/mail-events/ses/x", method=method).status_code
        for method in ("GET", "PUT")
    }

    assert found == {"GET": 405, "PUT": 405}


def test_an_event_a_hundred_times_in_parallel_is_one(app, asked):
    first = Postmark(app.test_client())
    body = bounce_of(asked)
    answers = []

    def post():
        mine = Postmark.__new__(Postmark)
        mine.client, mine.endpoint, mine.id = app.test_client(), first.endpoint, first.id
        answers.extend(mine.post(body) for _ in range(10))

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (answers.count(TAKEN), answers.count(DUPLICATE)) == (1, 99)
    assert len(suppressed()) == 1


@pytest.mark.parametrize("version", ["1", "2"])
def test_amazons_hard_bounce_suppresses(ses, asked, version):
    body = message(event("Bounce", code_of(asked), bounce=BOUNCE), version=version)

    assert ses.post(body) == TAKEN
    assert ses.post(body) == DUPLICATE
    assert reports() == [("hard", "5.1.1", "ses")]
    assert order_row(asked).email is None


def test_amazons_complaint_stops(ses, asked):
    inner = event("Complaint", code_of(asked), complaint={"complaintFeedbackType": "abuse"})

    assert ses.post(message(inner)) == TAKEN
    assert [reason for _, reason in suppressed()] == ["complaint", "complaint"]


def test_amazons_delivery_makes_an_unknown_message_sent(ses, client):
    from tests.invitations.sample_orders import Post
    from trustsvc.mail.message import SendResult, SendStatus

    order_id = invited(shop())
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))

    assert ses.post(message(event("Delivery", code_of(order_id), delivery={}))) == TAKEN
    assert message_of(order_id).state == "sent"


def test_a_bounce_that_amazon_did_not_sign_changes_nothing(ses, asked):
    good = event("Bounce", code_of(asked), bounce=BOUNCE)
    from cryptography.hazmat.primitives.asymmetric import rsa

    stranger = rsa.generate_private_key(65537, 2048)
    wrong = [
        message(good, by=stranger),
        message("", after={"Message": json.dumps(good)}),
        message(good, TopicArn=TOPIC.replace("bounces", "others")),
        message(
            good,
            SigningCertURL="https://evil.s3.amazonaws.com/SimpleNotificationService-0a1b2c3d0a1b2c3d.pem",
        ),
        message(good, Timestamp="2020-01-01T00:00:00.000Z"),
    ]

    assert {ses.post(body)[0] for body in wrong} == {401}
    assert (reports(), suppressed()) == ([], [])


def test_a_body_that_is_no_message_of_amazon_is_400(ses):
    assert {ses.post(body)[0] for body in (b"", b"{}", b"[]", b"\xff")} == {400}


def test_amazons_words_that_are_no_event_are_ignored(ses):
    notice = "Successfully validated SNS topic for Amazon SES event publishing."

    assert ses.post(message(notice)) == (200, {"status": "ignored", "reason": "no_report"})
    assert ses.post(message(kind="UnsubscribeConfirmation"))[0] == 200


def test_a_subscription_that_leads_inside_is_401_and_nobody_is_asked(ses, monkeypatch):
    for url in (
        "http://127.0.0.1:6379/",
        "https://169.254.169.254/latest/",
        "https://evil.example/",
    ):
        body = message(kind="SubscriptionConfirmation", SubscribeURL=url)
        assert ses.post(body)[0] == 401


def test_a_database_that_is_away_is_503(client, installation):
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(installation.data),
                "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
            }
        )
    )

    answer = client.post(f"/mail-events/postmark/{'a' * 32}", data=b"{}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_the_command_makes_an_endpoint_whose_address_works_and_closes_it(client, asked):
    run = CliRunner().invoke
    address = run(main, ["mail", "endpoint", "add", "postmark"]).output.splitlines()[0]
    head, _, path = address.partition("/mail-events/")
    word = head.partition("//")[2].rpartition("@")[0]
    headers = {"Authorization": f"Basic {base64.b64encode(word.encode()).decode()}"}

    def post():
        with quiet():
            return client.post(f"/mail-events/{path}", json=bounce_of(asked), headers=headers)

    assert post().json == {"status": "taken"}
    listed = run(main, ["mail", "endpoint", "list"]).output
    assert "postmark" in listed
    assert word.partition(":")[2] not in listed
    assert path.rpartition("/")[2] not in listed
    assert (
        run(main, ["mail", "endpoint", "remove", path.rpartition("/")[2][:6]]).output
        == "Removed.\n"
    )
    assert post().status_code == 401
    assert run(main, ["mail", "endpoint", "remove", "none"]).exit_code == 1


@pytest.mark.parametrize(
    "topic", [[], ["--topic", "arn:aws:sqs:eu-west-1:123456789012:x"], ["--topic", "x"]]
)
def test_an_endpoint_of_ses_names_its_topic(installation, topic):
    done = CliRunner().invoke(main, ["mail", "endpoint", "add", "ses", *topic])

    assert (done.exit_code, "arn:aws:sns" in done.output) == (1, True)
    assert (
        "/mail-events/ses/"
        in CliRunner().invoke(main, ["mail", "endpoint", "add", "ses", "--topic", TOPIC]).output
    )


def test_the_secret_of_an_endpoint_lies_sealed_and_is_in_no_repr(installation, postmark):
    with db.reading() as session:
        raw = session.connection().exec_driver_sql("SELECT secret FROM mail_endpoints").scalar()
        assert session.scalar(select(mail_endpoints.c.secret)) == postmark.endpoint.secret
    assert postmark.endpoint.secret.encode() not in bytes(raw)
    assert postmark.endpoint.secret not in repr(postmark.endpoint)
    assert mail.endpoint_url(postmark.endpoint, postmark.id).startswith("http://trustsvc:")


def test_the_address_behind_a_certificate_is_fetched_by_the_guarded_way_out():
    assert certificates.find.__defaults__ == (http.client.get,)
