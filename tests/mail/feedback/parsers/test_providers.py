"""What Postmark and Amazon SES say, and the class it gets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.mail.feedback.parsers.corpus import CODE
from tests.mail.feedback.webhooks.fake_sns import BOUNCE, event
from trustsvc.mail.feedback.parsers import postmark, ses
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report


def kind_of(found):
    return found.kind if isinstance(found, Report) else "ignored"


def suppressed(reason, origin="Recipient"):
    return {
        "RecordType": "SubscriptionChange",
        "SuppressSending": True,
        "SuppressionReason": reason,
        "Origin": origin,
    }


HARD = {"RecordType": "Bounce", "Type": "HardBounce"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"RecordType": "Delivery", "Details": "Test"}, "delivered"),
        (HARD | {"Details": "smtp;550 5.1.1 unknown"}, "hard"),
        (HARD | {"Details": ""}, "hard"),
        (HARD | {"Details": "550 5.7.1 blocked"}, "soft"),
        (HARD | {"Details": "552 5.2.2 mailbox full"}, "soft"),
        ({"RecordType": "Bounce", "Type": "BadEmailAddress"}, "hard"),
        ({"RecordType": "Bounce", "Type": "SoftBounce", "Details": "452 4.2.2 over quota"}, "soft"),
        ({"RecordType": "Bounce", "Type": "Transient"}, "delayed"),
        ({"RecordType": "Bounce", "Type": "SpamNotification"}, "soft"),
        ({"RecordType": "Bounce", "Type": "Blocked"}, "soft"),
        ({"RecordType": "Bounce", "Type": "DMARCPolicy"}, "soft"),
        ({"RecordType": "Bounce", "Type": "DnsError"}, "soft"),
        ({"RecordType": "Bounce", "Type": "SomethingNew"}, "soft"),
        ({"RecordType": "Bounce", "Type": "Unsubscribe"}, "complaint"),
        ({"RecordType": "Bounce", "Type": "AutoResponder"}, "ignored"),
        ({"RecordType": "Bounce"}, "soft"),
        ({"RecordType": "SpamComplaint"}, "complaint"),
        (suppressed("SpamComplaint"), "complaint"),
        (suppressed("HardBounce"), "hard"),
        (suppressed("ManualSuppression", "Recipient"), "complaint"),
        (suppressed("ManualSuppression", "Customer"), "ignored"),
        ({"RecordType": "SubscriptionChange", "SuppressSending": False}, "ignored"),
        ({"RecordType": "Open"}, "ignored"),
        ({"RecordType": "Click"}, "ignored"),
        ({"RecordType": ["Bounce"]}, "ignored"),
        ({}, "ignored"),
    ],
)  # fmt: skip
def test_postmarks_events(body, kind):
    assert kind == kind_of(postmark.read(body))


def bounced(kind, more="General", status=None, diagnostic=None):
    given = {"emailAddress": "jan@mail.example"}
    if status:
        given |= {"action": "failed", "status": status, "diagnosticCode": diagnostic or ""}
    return event(
        "Bounce", bounce={"bounceType": kind, "bounceSubType": more, "bouncedRecipients": [given]}
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (event("Bounce", bounce=BOUNCE), "hard"),
        (bounced("Permanent", "NoEmail"), "hard"),
        (bounced("Permanent", "Suppressed"), "hard"),
        (bounced("Permanent", "OnAccountSuppressionList"), "hard"),
        (bounced("Permanent"), "hard"),
        (bounced("Permanent", "General", "5.7.1", "smtp; 550 5.7.1 blocked"), "soft"),
        (bounced("Permanent", "General", "5.4.14"), "soft"),
        (bounced("Permanent", "Whatever"), "soft"),
        (bounced("Transient", "MailboxFull", "5.2.2"), "soft"),
        (bounced("Transient", "General"), "soft"),
        (bounced("Undetermined", "Undetermined", "5.1.1"), "soft"),
        (event("Complaint", complaint={}), "complaint"),
        (event("Complaint", complaint={"complaintFeedbackType": "abuse"}), "complaint"),
        (event("Complaint", complaint={"complaintFeedbackType": "not-spam"}), "ignored"),
        (event("Complaint", complaint={"complaintFeedbackType": "virus"}), "ignored"),
        (event("Delivery", delivery={"smtpResponse": "250 ok"}), "delivered"),
        (event("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull"}), "delayed"),
        ({"eventType": "Bounce", "bounce": BOUNCE}, "hard"),
        ({"eventType": "Reject", "reject": {"reason": "Bad content"}}, "soft"),
        (event("Open"), "ignored"),
        (event("Click"), "ignored"),
        (event("Send"), "ignored"),
        ({"notificationType": "AmazonSnsSubscriptionSucceeded"}, "ignored"),
        ([], "ignored"),
        ({"notificationType": "Bounce", "bounce": [], "mail": 5}, "soft"),
        ({"notificationType": {}}, "ignored"),
    ],
)
def test_amazons_events(body, kind):
    assert kind == kind_of(ses.read(json.dumps(body)))


@pytest.mark.parametrize(
    "mail",
    [
        {"source": f"bounces+{CODE}@shop.example"},
        {"tags": {"letter": [CODE], "ses:operation": ["SendRawEmail"]}},
        {"commonHeaders": {"messageId": f"<{CODE}@shop.example>"}},
        {"headers": [{"name": "From"}, {"name": "Message-ID", "value": f"<{CODE}@s.example>"}]},
    ],
    ids=["sender", "tag", "common header", "header"],
)  # fmt: skip
def test_amazon_names_the_message_in_one_of_four_ways(mail):
    found = ses.read(json.dumps(event("Bounce", bounce=BOUNCE, mail=mail)))

    assert found.codes == (CODE,)


def test_postmark_names_the_message_by_its_metadata():
    assert postmark.read(
        {"RecordType": "Delivery", "Metadata": {"letter": CODE.upper()}}
    ).codes == (CODE,)


NAMES = some.sampled_from(
    [
        *("RecordType", "Type", "Details", "Metadata", "letter", "notificationType", "eventType"),
        *("bounce", "bounceType", "bounceSubType", "bouncedRecipients", "mail", "tags", "headers"),
        *("commonHeaders", "complaint", "deliveryDelay", "status", "name", "value"),
    ]
)
WORDS = some.sampled_from(["Bounce", "Complaint", "Permanent", "HardBounce", "5.1.1"])
LEAVES = some.none() | some.booleans() | some.integers() | some.text(max_size=30) | WORDS
ANYTHING = some.recursive(
    LEAVES,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(NAMES, inner, max_size=6),
)


@pytest.mark.slow
@given(some.dictionaries(NAMES, ANYTHING))
def test_any_json_is_read_without_an_exception(body):
    assert isinstance(postmark.read(body), Report | IgnoredReport)
    assert isinstance(ses.read(json.dumps(body)), Report | IgnoredReport)


@given(some.text(max_size=200))
def test_any_text_in_a_notification_is_read_without_an_exception(text):
    assert isinstance(ses.read(text), Report | IgnoredReport)
