"""What every form of the badge is made from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BadgeContent:
    """What a badge says, finished and in the shop's language."""

    score: str
    count: str
    label: str
    url: str
    mean: float
    reviews: int
    sealed: bool
    proof: str = ""  # the signed statement; none where the seal does not hold
    notice: str = ""  # where the privacy notice says how to object
    privacy: str = ""  # what the link to it is called
