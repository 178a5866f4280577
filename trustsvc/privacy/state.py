"""The states of a logged privacy request: open until it is answered or refused."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class RequestState(StrEnum):
    """What became of a privacy request."""

    OPEN = "open"  # waits for an answer, within 30 days
    DONE = "done"  # answered
    REFUSED = "refused"  # refused on a ground that the law names


request_states: StateMachine[RequestState] = StateMachine(
    name="privacy request",
    initial=frozenset({RequestState.OPEN, RequestState.DONE}),  # most are answered at once
    transitions={
        RequestState.OPEN: frozenset({RequestState.DONE, RequestState.REFUSED}),
        RequestState.DONE: frozenset(),
        RequestState.REFUSED: frozenset(),
    },
)
