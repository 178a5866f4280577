"""The states of a review: what is to be done with it, and whether it is shown."""

from enum import StrEnum

from trustsvc.storage.state_machine import StateMachine


class ReviewState(StrEnum):
    PENDING = "pending"  # waits for a decision of staff
    APPROVED = "approved"  # waits for publish_reviews, or lacks consent to be published
    PUBLISHED = "published"  # shown in public
    REJECTED = "rejected"  # staff decided against it, with a reason that is not the stars
    WITHDRAWN = "withdrawn"  # its author took it back; its contents are gone


review_states = StateMachine(
    name="review",
    initial=frozenset({ReviewState.PENDING}),
    transitions={
        ReviewState.PENDING: frozenset(
            {
                ReviewState.PENDING,
                ReviewState.APPROVED,
                ReviewState.REJECTED,
                ReviewState.WITHDRAWN,
            }
        ),
        ReviewState.APPROVED: frozenset(
            {ReviewState.PENDING, ReviewState.PUBLISHED, ReviewState.WITHDRAWN}
        ),
        # Approved again when its author lifts a restriction: it is then published again.
        ReviewState.PUBLISHED: frozenset(
            {ReviewState.PENDING, ReviewState.APPROVED, ReviewState.WITHDRAWN}
        ),
        ReviewState.REJECTED: frozenset({ReviewState.PENDING, ReviewState.WITHDRAWN}),
        ReviewState.WITHDRAWN: frozenset(),
    },
)

# In these states the author may correct or withdraw the review.
MAY_CHANGE = tuple(state for state in review_states.states if state is not ReviewState.WITHDRAWN)
