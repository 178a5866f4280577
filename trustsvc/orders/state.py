"""States of an order: what we do with it."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class OrderState(StrEnum):
    RECEIVED = "received"  # waits for check_orders
    WAITING = "waiting"  # checked, and must wait: news, or decide_at, moves it back to received
    SETTLED = "settled"  # decided on; the decision log says how


order_states = StateMachine(
    name="order",
    # An order whose first webhook says it is cancelled starts as settled.
    initial=frozenset({OrderState.RECEIVED, OrderState.SETTLED}),
    transitions={
        OrderState.RECEIVED: frozenset(
            {OrderState.RECEIVED, OrderState.WAITING, OrderState.SETTLED}
        ),
        OrderState.WAITING: frozenset({OrderState.RECEIVED, OrderState.SETTLED}),
        OrderState.SETTLED: frozenset({OrderState.RECEIVED}),
    },
)
