"""States of an order: what we do with it, and what its platform says of it."""

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


class Standing(StrEnum):
    """What the platform says of the whole order. The newest counts, so none of them is final."""

    OPEN = "open"
    ON_HOLD = "on_hold"
    DISPUTED = "disputed"
    RETURN_OPEN = "return_open"
    REFUND_OPEN = "refund_open"  # money went back, and only the order itself tells how much
    OTHER_STATUS = "other_status"  # a status of the shop's own
    CANCELLED = "cancelled"
    REFUNDED = "refunded"  # in full
    RETURNED = "returned"
    CHARGEBACK = "chargeback"


ENDED = frozenset({Standing.CANCELLED, Standing.REFUNDED, Standing.RETURNED, Standing.CHARGEBACK})


class Delivery(StrEnum):
    """The carrier's newest word on the parcel."""

    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    SCHEDULED = "scheduled"


NOT_DELIVERED = frozenset({Delivery.FAILED, Delivery.READY_FOR_PICKUP, Delivery.SCHEDULED})
