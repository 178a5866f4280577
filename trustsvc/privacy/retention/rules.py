"""The retention policy as rules: what is kept, for how long, from when, and why.

Each stored column names one rule (`retention` of storage.columns.column). Rows with a period are
deleted by purge.py; the record of processing and the notice are made from both.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

UNTIL_EVENT = None
# The purge runs hourly: what must be gone by a promised day goes this much earlier.
MARGIN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `days` is None where an event ends it; `since` then names the event."""

    code: str
    what: str
    days: int | None
    since: str
    why: str

    def cutoff(self, now: datetime) -> datetime:
        """Give the moment up to which rows are due."""
        return now - timedelta(days=self.days or 0)


_RULES = (
    Rule(
        "server_log",
        "lines of the web server's log",
        90,
        "the request; TRUSTSVC_LOG_DAYS can only shorten it",
        "promised to visitors: deleted at the latest 90 days after it was made; long enough to "
        "look into an attack (GDPR Art. 6(1)(f), recital 49)",
    ),
    Rule(
        "security_events",
        "what looked like an attack: kind, IP address, minute, number",
        90,
        "the minute; TRUSTSVC_LOG_DAYS can only shorten it",
        "to analyse an attack and to stop it (GDPR Art. 6(1)(f), recital 49); no longer than the "
        "server log it is taken from",
    ),
    Rule(
        "buyer_contact",
        "name, address, order reference, language and time zone of a buyer who is or may be asked",
        90,
        "the last message; at once with a review, an opt-out, or when the buyer will not be asked; "
        "an order that waits for news goes with the shop's limit for old orders",
        "used only to invite, and to find the person while an answer may still come (GDPR Art. "
        "5(1)(b) and (e))",
    ),
    Rule(
        "frequency_cap",
        "the shop's keyed hash of a buyer's address",
        90,
        "the order and its last message, or the cap period where that is longer: the shop's, and a "
        "year after two invitations in a row without a review",
        "to ask a buyer at most once in the cap period: moderation of advertising (GDPR Art. "
        "6(1)(f))",
    ),
    Rule(
        "webhook_delivery",
        "keyed hashes of webhook deliveries",
        35,
        "the delivery",
        "platforms deliver again for up to 30 days (WooCommerce, by hand); a signed id must not "
        "come back with another body (Standard Webhooks)",
    ),
    Rule(
        "webhook_counts",
        "how many webhook deliveries of a shop got which answer, day by day",
        120,
        "the day",
        "to notice that a shop fell silent, measured against its eight weeks before; no personal "
        "data",
    ),
    Rule(
        "domain_throttle",
        "keyed hashes of the domains that e-mails went to",
        0,
        "an hour after the last e-mail there, or after its pause ends",
        "not to overload a receiving mail server; a domain can be a person's name, so no longer "
        "than that needs (GDPR Art. 5(1)(e) and 6(1)(f))",
    ),
    Rule(
        "transactional_mail",
        "e-mails to a person who asked for something, with their links and copies, and open "
        "privacy requests: the address until the e-mail has left",
        3,
        "the request; the address goes at once when the mail server took the e-mail, its keyed "
        "hash a day after the request; the default maildir keeps the e-mail for these days",
        "to answer a request, and to keep one address from being written to too often (GDPR Art. "
        "6(1)(c) and (f), Art. 12)",
    ),
    Rule(
        "request_log",
        "which rights were asked for, when, and how that ended",
        1825,
        "the answer",
        "to account for how requests are served (GDPR Art. 5(2), 12(3)); no personal data",
    ),
    Rule(
        "decision_log",
        "orders without a person in them, invitations, messages, bounces and complaints, and the "
        "reason of each decision",
        730,
        "the order, and as long as its review stands",
        "to account for every decision (GDPR Art. 5(2)); no personal data",
    ),
    Rule(
        "maildir",
        "e-mails in the default maildir",
        30,
        "the e-mail",
        "the maildir stands in for a mail server: e-mails pass through it (GDPR Art. 5(1)(e))",
    ),
    Rule(
        "review",
        "what a reviewer wrote, with name, city, address and order reference",
        90,
        "its rejection; at once when its author withdraws it; else as long as it is up",
        "clarification and the reviewer's rights while it is up; afterwards the time to object to "
        "a rejection and correct it (the link lives 90 days; GDPR Art. 6(1)(b) and (f))",
    ),
    Rule(
        "publication",
        "the published line: stars, text, name and city as the author chose",
        UNTIL_EVENT,
        "until the author withdraws it or it may no longer be shown",
        "the author agreed to have it published (GDPR Art. 6(1)(a))",
    ),
    Rule(
        "reply",
        "the shop's public reply beneath a published review",
        UNTIL_EVENT,
        "until the shop removes it, or the review is withdrawn, corrected or made anonymous",
        "a shop may answer in public what is written about it in public (GDPR Art. 6(1)(f))",
    ),
    Rule(
        "pending_registration",
        "registrations that are not confirmed yet: the address until then",
        3,
        "the request; the address goes at once when it is confirmed",
        "to ask the owner of the address for confirmation (double opt-in; GDPR Art. 7(1))",
    ),
    Rule(
        "registration",
        "keyed hash of a registered buyer's address, with the proof of consent",
        UNTIL_EVENT,
        "until the buyer leaves",
        "the buyer registered, and consent must be proven (GDPR Art. 7(1))",
    ),
    Rule(
        "opt_out",
        "keyed hash of an address that must not be asked again",
        UNTIL_EVENT,
        "until the person lifts it",
        "without it a new order would undo the objection (GDPR Art. 21(3))",
    ),
    Rule(
        "restriction",
        "keyed hash of an address whose data must be left alone",
        UNTIL_EVENT,
        "until the person lifts it",
        "without it new orders and e-mails would use what was restricted (GDPR Art. 18)",
    ),
    Rule(
        "suppression_journal",
        "what a restored backup must do again, by keyed hashes of addresses and orders",
        UNTIL_EVENT,
        "as long as a backup of before may be restored: for good",
        "a backup would undo an objection, erasure or restriction (GDPR Art. 17, 18, 21(3))",
    ),
    Rule(
        "staff_session",
        "keyed hashes of one-time links and sessions of staff",
        0,
        "their end: 24 hours for a link, 12 hours for a session",
        "they open nothing after that",
    ),
    Rule(
        "staff",
        "who works here, and who decided",
        UNTIL_EVENT,
        "as long as decisions of theirs stand",
        "to account for decisions on reviews (DSA Art. 17, GDPR Art. 5(2))",
    ),
    Rule(
        "previous_secret",
        "the secret of a shop's webhooks before its last rotation",
        0,
        "its end, 24 hours after the rotation",
        "it proves nothing after that",
    ),
    Rule(
        "api_credentials",
        "credentials of a shop's API, and how far it was asked",
        UNTIL_EVENT,
        "until they are deleted with `trustsvc shop disconnect`, or the shop is closed or has left",
        "to fetch orders whose webhooks did not arrive (GDPR Art. 6(1)(b), Art. 28); no personal "
        "data",
    ),
    Rule(
        "notice_versions",
        "the notices that buyers of a shop were given, version by version",
        UNTIL_EVENT,
        "as long as the shop is enrolled",
        "to show who was informed of what, and when (GDPR Art. 5(2), 13 and 14); no personal data",
    ),
    Rule(
        "disclosure_log",
        "that people were listed after a breach, and who saw it",
        730,
        "the list",
        "to account for every list of people shown (GDPR Art. 5(2) and 33(5))",
    ),
    Rule(
        "event_log",
        "events, by kind and number",
        90,
        "the event",
        "longer than a shop's system may be down; no personal data",
    ),
    Rule(
        "receipt",
        "signed receipts of what was deleted",
        UNTIL_EVENT,
        "they are the proof",
        "a chain cannot be cut at its beginning; no personal data (GDPR Art. 5(2))",
    ),
    Rule(
        "shop",
        "enrolled shops",
        UNTIL_EVENT,
        "until the enrolment ends and nothing refers to it",
        "the contract with the shop (GDPR Art. 6(1)(b), Art. 28)",
    ),
    Rule(
        "service_state",
        "heartbeats of our processes, check values of keys, webhook endpoints of mail providers",
        UNTIL_EVENT,
        "overwritten every few seconds; a check value for good, an endpoint until it is removed",
        "to notice a stopped process or foreign keys, and to receive bounces; no personal data",
    ),
)
RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
