"""The webhook endpoints of mail providers: known, authenticated, and what became of a message."""

import base64
import binascii
import re

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from trustsvc import clock, log
from trustsvc.crypto import pseudonyms
from trustsvc.errors import Unauthorised, Unavailable
from trustsvc.http import access
from trustsvc.http.request_body import raw_body
from trustsvc.mail.feedback import delivery_reports
from trustsvc.mail.feedback.parsers import postmark, ses
from trustsvc.mail.feedback.parsers.report import IgnoredReport, Report
from trustsvc.mail.feedback.webhooks import endpoints, sns
from trustsvc.storage import db

mail_provider_webhooks = Blueprint("mail_events", __name__)
_ENDPOINT_ID = re.compile(r"[0-9a-f]{32}")
logger = log.get_logger("mail")


@mail_provider_webhooks.post(
    "/mail-events/<provider>/<endpoint_id>", provide_automatic_options=False
)
@access.requires("signature")
def receive(provider: str, endpoint_id: str) -> Response:
    """Take an event in: 413, 401, 400, 200, checked in this order; 503 when it cannot be stored.

    200 also for what is known, ignored or about no message of ours: a provider that is refused
    sends again, and in the end disables the webhook.
    """
    body = raw_body()
    endpoint = _find(provider, endpoint_id)
    try:
        if provider == "postmark":
            _check_secret(endpoint)
            return _take(postmark.read(sns.as_json(body)), provider)
        return _from_sns(endpoint, body)
    except Unauthorised:
        logger.warning("mail.webhook_refused", provider=provider)
        raise
    except (SQLAlchemyError, OSError):
        raise Unavailable from None


def _from_sns(endpoint: endpoints.MailEndpoint, body: bytes) -> Response:
    message, topic = sns.read(body), endpoint.topic or ""
    sns.check(message, topic, clock.now())
    if message.kind == "SubscriptionConfirmation":
        sns.confirm(message, topic)
        return jsonify(status="confirmed")
    if message.kind != "Notification":
        logger.warning("mail.topic_unsubscribed", provider=endpoint.provider)
        return _say("ignored", "unsubscribed")
    return _take(ses.read(message.fields["Message"]), endpoint.provider)


def _take(report: Report | IgnoredReport, provider: str) -> Response:
    if isinstance(report, IgnoredReport):
        return _say("ignored", report.reason)
    with db.transaction() as session:
        answer = delivery_reports.accept(session, report, provider, clock.now())
    return _say("ignored", answer) if answer == "unknown_letter" else jsonify(status=answer)


def _find(provider: str, endpoint_id: str) -> endpoints.MailEndpoint:
    """Find the endpoint; an unknown one is answered as a wrong secret is."""
    if provider not in endpoints.PROVIDERS or not _ENDPOINT_ID.fullmatch(endpoint_id):
        raise Unauthorised
    try:
        with db.reading() as session:
            endpoint = endpoints.find(session, provider, endpoint_id)
    except (SQLAlchemyError, OSError):
        raise Unavailable from None
    if endpoint is None:
        raise Unauthorised
    return endpoint


def _check_secret(endpoint: endpoints.MailEndpoint) -> None:
    """Check the secret that Postmark sends as a password (it signs nothing), in constant time."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    expected = f"{endpoints.USER}:{endpoint.secret}".encode()
    if scheme.lower() != "basic" or not pseudonyms.constant_time_equal(given, expected):
        raise Unauthorised


def _say(status: str, reason: str) -> Response:
    return jsonify(status=status, reason=reason)
