"""The states of an invitation."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class InvitationState(StrEnum):
    OPEN = "open"  # the buyer is invited, or about to be
    SUSPENDED = "suspended"  # nothing was sent, and the order must wait
    REDEEMED = "redeemed"  # a review came
    WITHDRAWN = "withdrawn"  # the buyer must not be invited; `reason` says why


OPEN, SUSPENDED = InvitationState.OPEN, InvitationState.SUSPENDED
REDEEMED, WITHDRAWN = InvitationState.REDEEMED, InvitationState.WITHDRAWN

invitation_states = StateMachine(
    "invitation",
    initial=frozenset({OPEN}),
    transitions={
        OPEN: frozenset({SUSPENDED, REDEEMED, WITHDRAWN}),
        SUSPENDED: frozenset({OPEN, WITHDRAWN}),
        REDEEMED: frozenset(),
        WITHDRAWN: frozenset({OPEN}),  # nothing was sent, and the order came back
    },
)
