"""The steps and outcomes of the decision log. Pure. Their texts are desk.step and desk.outcome."""

from enum import StrEnum


class DecisionStep(StrEnum):
    """Which step decided about an order."""

    ACCEPT = "accept"
    CHECK = "check"
    MAY_ASK = "may_ask"
    PLAN = "plan"
    PLAN_REMINDER = "plan_reminder"
    SEND = "send"
    SEND_INVITATION = "send_invitation"
    SEND_REMINDER = "send_reminder"
    REPORT_INVITATION = "report_invitation"
    REPORT_REMINDER = "report_reminder"
    REDEEM = "redeem"
    WITHDRAW = "withdraw"
    DECIDE = "decide"
    RESTORE = "restore"
    PURGE = "purge"


class Outcome(StrEnum):
    """What a step decided, or what became of a message."""

    RECEIVED = "received"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    REGISTERED = "registered"
    NOT_REGISTERED = "not_registered"
    ASK = "ask"
    WAIT = "wait"
    REFUSE = "refuse"
    PLANNED = "planned"
    MOVED = "moved"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"
    REDEEMED = "redeemed"
    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    SOFT = "soft"
    HARD = "hard"
    COMPLAINT = "complaint"
    APPROVED = "approved"
    REJECTED = "rejected"
    FORGOTTEN = "forgotten"
