"""The door of mail providers: is it known, is it proven, what became of which letter."""

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
from trustsvc.mail.feedback.parsers.report import Ignored, Report
from trustsvc.mail.feedback.webhooks import endpoints, sns
from trustsvc.storage import db

mail_provider_webhooks = Blueprint("mail_events", __name__)
_DOOR = re.compile(r"[0-9a-f]{32}")
logger = log.get_logger("mail")


@mail_provider_webhooks.post("/mail-events/<provider>/<door>", provide_automatic_options=False)
@access.requires("signature")
def receive(provider: str, door: str) -> Response:
    """Take an event in: 413, 401, 400, 200, checked in this order; 503 when it cannot be stored.

    200 for what is known, ignored or about no letter of ours too: a provider that is refused sends
    again and in the end switches the door off.
    """
    body = raw_body()
    found = _find(provider, door)
    try:
        if provider == "postmark":
            _check_secret(found)
            return _take(postmark.read(sns.as_json(body)), provider)
        return _from_sns(found, body)
    except Unauthorised:
        logger.warning("mail.webhook_refused", provider=provider)
        raise
    except (SQLAlchemyError, OSError):
        raise Unavailable from None


def _from_sns(door: endpoints.Door, body: bytes) -> Response:
    message, topic = sns.read(body), door.topic or ""
    sns.check(message, topic, clock.now())
    if message.kind == "SubscriptionConfirmation":
        sns.confirm(message, topic)
        return jsonify(status="confirmed")
    if message.kind != "Notification":
        logger.warning("mail.topic_unsubscribed", provider=door.provider)
        return _say("ignored", "unsubscribed")
    return _take(ses.read(message.fields["Message"]), door.provider)


def _take(report: Report | Ignored, provider: str) -> Response:
    if isinstance(report, Ignored):
        return _say("ignored", report.reason)
    with db.transaction() as session:
        answer = delivery_reports.accept(session, report, provider, clock.now())
    return _say("ignored", answer) if answer == "unknown_letter" else jsonify(status=answer)


def _find(provider: str, door: str) -> endpoints.Door:
    """Find the door; one that is not there answers as a wrong secret does."""
    if provider not in endpoints.PROVIDERS or not _DOOR.fullmatch(door):
        raise Unauthorised
    try:
        with db.reading() as session:
            found = endpoints.find(session, provider, door)
    except (SQLAlchemyError, OSError):
        raise Unavailable from None
    if found is None:
        raise Unauthorised
    return found


def _check_secret(door: endpoints.Door) -> None:
    """Check the secret that Postmark sends as a password (it signs nothing), in constant time."""
    scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    expected = f"{endpoints.USER}:{door.secret}".encode()
    if scheme.lower() != "basic" or not pseudonyms.constant_time_equal(given, expected):
        raise Unauthorised


def _say(status: str, reason: str) -> Response:
    return jsonify(status=status, reason=reason)
