import pytest

from trustsvc.invitations.models import invitations
from trustsvc.invitations.state import (
    REDEEMED,
    SUSPENDED,
    WITHDRAWN,
    InvitationState,
    invitation_states,
)
from trustsvc.storage.state_machine import IllegalTransition


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((REDEEMED, after) for after in InvitationState),
        (WITHDRAWN, REDEEMED),
        (WITHDRAWN, SUSPENDED),
        (SUSPENDED, REDEEMED),
    ],
)
def test_a_review_is_written_by_an_open_invitation_and_ends_it(before, after):
    with pytest.raises(IllegalTransition):
        invitation_states.update(invitations, (before,), after)
