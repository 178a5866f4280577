"""The states of an invitation."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class InvitationState(StrEnum):
    OPEN = "open"  # the buyer is invited, or about to be
    REDEEMED = "redeemed"  # a review came
    WITHDRAWN = "withdrawn"  # the buyer must not be invited; `reason` says why


OPEN, REDEEMED = InvitationState.OPEN, InvitationState.REDEEMED
WITHDRAWN = InvitationState.WITHDRAWN

invitation_states = StateMachine(
    "invitation",
    initial=frozenset({OPEN}),
    transitions={
        OPEN: frozenset({REDEEMED, WITHDRAWN}),
        REDEEMED: frozenset(),
        WITHDRAWN: frozenset(),
    },
)
