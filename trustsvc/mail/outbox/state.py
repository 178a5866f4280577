"""The states of an outbound message.

A message is safe to send again while it is `due` or `leased`: nothing but the end of DATA makes a
mail server take it. `handed` is committed right before the end of DATA, so a message whose sender
died in that state may have arrived (RFC 1047).
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

UNSENT = (DUE, LEASED)  # nothing was said to a mail server that cannot be taken back
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
