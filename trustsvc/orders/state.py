"""The states of an order: what is to be done with it."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class OrderState(StrEnum):
    RECEIVED = "received"  # waits for check_orders
    WAITING = "waiting"  # checked, but not paid yet or restricted: news makes it received again
    SETTLED = "settled"  # decided on; the decision log says how


order_states = StateMachine(
    name="order",
    # An order that is cancelled before we hear of it is settled from the start.
    initial=frozenset({OrderState.RECEIVED, OrderState.SETTLED}),
    transitions={
        OrderState.RECEIVED: frozenset(
            {OrderState.RECEIVED, OrderState.WAITING, OrderState.SETTLED}
        ),
        OrderState.WAITING: frozenset({OrderState.RECEIVED, OrderState.SETTLED}),
        OrderState.SETTLED: frozenset({OrderState.RECEIVED}),
    },
)
