"""The states of an outbound message.

A mail server accepts a message only after the end of DATA. So a message that is `due` or `leased`
has not left and may be sent again. `handed` is committed right before the end of DATA: when its
sender dies in that state, the message may have arrived (RFC 1047).
"""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class MessageState(StrEnum):
    DUE = "due"  # waits for due_at
    LEASED = "leased"  # a sender has it
    HANDED = "handed"  # the end of DATA is sent, or about to be
    SENT = "sent"  # the mail server took it
    REFUSED = "refused"  # the mail server refused it, it bounced, or its retry limit was reached
    DROPPED = "dropped"  # there is a reason not to send it
    UNKNOWN = "unknown"  # nobody can know whether it arrived


DUE, LEASED, HANDED = MessageState.DUE, MessageState.LEASED, MessageState.HANDED
SENT, REFUSED = MessageState.SENT, MessageState.REFUSED
DROPPED, UNKNOWN = MessageState.DROPPED, MessageState.UNKNOWN

UNSENT = (DUE, LEASED)  # has not left: the end of DATA was not sent
UNSETTLED = (DUE, LEASED, HANDED)

message_states = StateMachine(
    "message",
    initial=frozenset({DUE, DROPPED}),
    transitions={
        # unknown: after a restore; sent: a delivery report while it waits to be sent again
        DUE: frozenset({LEASED, DROPPED, UNKNOWN, SENT}),
        LEASED: frozenset({DUE, HANDED, SENT, REFUSED, DROPPED, UNKNOWN}),
        HANDED: frozenset({DUE, SENT, REFUSED, UNKNOWN}),
        SENT: frozenset({REFUSED}),  # a bounce
        REFUSED: frozenset({DUE}),  # staff retry what reached its limit
        # due: a restriction is lifted; refused: dropped by the effects of the refusal itself
        DROPPED: frozenset({DUE, REFUSED}),
        UNKNOWN: frozenset({DUE, SENT, REFUSED}),  # resend, or a late answer or report
    },
)
