"""States as data: one enum and one table of transitions for each thing that has a state.

The CHECK constraint, the diagram in the documentation and the statements that change the column
all come from that table, so none of them can disagree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy import CheckConstraint, Table, Update, or_, update

State = TypeVar("State", bound=StrEnum)


class IllegalTransition(ValueError):
    """The transition table has no such transition: a defect of ours, never of a user."""


@dataclass(frozen=True, slots=True)
class StateMachine(Generic[State]):
    """The states of one kind of row, the ones it may begin in, and where each may lead."""

    name: str
    initial: frozenset[State]
    transitions: Mapping[State, frozenset[State]]

    @property
    def states(self) -> tuple[State, ...]:
        return tuple(self.transitions)

    def begin(self, state: State) -> State:
        """Give the state of a new row; raises IllegalTransition for one that no row begins in."""
        if state not in self.initial:
            raise IllegalTransition(f"{self.name}: begins as {state}")
        return state

    def sources_of(self, after: State) -> tuple[State, ...]:
        """List the states that may become `after`."""
        return tuple(state for state in self.states if after in self.transitions[state])

    def require(self, before: Iterable[State], after: State) -> None:
        """Raise IllegalTransition unless each of these states may become `after`."""
        for state in before:
            if after not in self.transitions[state]:
                raise IllegalTransition(f"{self.name}: {state} -> {after}")

    def update(self, table: Table, before: Iterable[State], after: State) -> Update:
        """Start the UPDATE that moves rows in one of these states to `after`.

        A row in another state is not touched, so a second run changes nothing: compare the row
        count to know who was first. Raises IllegalTransition.
        """
        sources = tuple(before)
        self.require(sources, after)
        # Not in_(): a list that is expanded cannot be used for many rows at once.
        is_source = or_(*(table.c.state == source for source in sources))
        return update(table).where(is_source).values(state=after)

    def check(self) -> CheckConstraint:
        """Make the CHECK constraint of the `state` column."""
        listed = ", ".join(f"'{state.value}'" for state in self.states)
        return CheckConstraint(f"state IN ({listed})", name="state")

    def diagram(self) -> str:
        """Draw the machine as a Mermaid state diagram, always in the same order."""
        lines = ["stateDiagram-v2"]
        lines += [f"    [*] --> {state}" for state in self.states if state in self.initial]
        for state, targets in self.transitions.items():
            lines += [f"    {state} --> {target}" for target in self.states if target in targets]
            if not targets:
                lines.append(f"    {state} --> [*]")
        return "\n".join(lines) + "\n"
