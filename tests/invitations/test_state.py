import pytest

from trustsvc.invitations.models import invitations
from trustsvc.invitations.state import OPEN, REDEEMED, WITHDRAWN, invitation_states
from trustsvc.storage.state_machine import IllegalTransition


@pytest.mark.parametrize("before", [REDEEMED, WITHDRAWN])
@pytest.mark.parametrize("after", [OPEN, REDEEMED, WITHDRAWN])
def test_an_invitation_that_ended_stays_as_it_is(before, after):
    with pytest.raises(IllegalTransition):
        invitation_states.update(invitations, (before,), after)
