"""How an objection without proof is treated, by how many came within the hour before."""

from dataclasses import dataclass
from datetime import timedelta

HOUR = timedelta(hours=1)
# An hour, of objections by the page. Buyers object by the link of their e-mail; few come by here.
MAX_OF_NETWORK = 30
HELD_OF_NETWORK, HELD_OF_SHOP, HELD_IN_ALL = 10, 30, 100
CONFIRMED_OF_SHOP, CONFIRMED_IN_ALL = 60, 200


@dataclass(frozen=True, slots=True)
class Recent:
    """Objections of the past hour: from this network, at this shop, in all."""

    network: int
    shop: int
    in_all: int


@dataclass(frozen=True, slots=True)
class Treatment:
    """`is_held`: it holds at once, and the rest waits until somebody looked, or a day.

    `must_confirm`: it holds only by the link in a message. Nobody is turned away but a network that
    sends too many.
    """

    is_refused: bool
    is_held: bool
    must_confirm: bool

    @property
    def is_alarm(self) -> bool:
        return self.is_refused or self.is_held or self.must_confirm


def treatment(recent: Recent) -> Treatment:
    """Decide on the next objection, after these."""
    must_confirm = recent.shop >= CONFIRMED_OF_SHOP or recent.in_all >= CONFIRMED_IN_ALL
    return Treatment(
        is_refused=recent.network >= MAX_OF_NETWORK,
        is_held=not must_confirm
        and (
            recent.network >= HELD_OF_NETWORK
            or recent.shop >= HELD_OF_SHOP
            or recent.in_all >= HELD_IN_ALL
        ),
        must_confirm=must_confirm,
    )
