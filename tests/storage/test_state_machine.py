"""The transition table decides; the constraint, the diagram and the UPDATE follow from it."""

from enum import StrEnum

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select
from sqlalchemy.exc import IntegrityError

from trustsvc.storage.state_machine import IllegalTransition, StateMachine


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


MACHINE = StateMachine(
    "light",
    frozenset({Light.RED}),
    {
        Light.RED: frozenset({Light.GREEN, Light.BROKEN}),
        Light.GREEN: frozenset({Light.RED}),
        Light.BROKEN: frozenset(),
    },
)
lights = Table(
    "lights",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("state", Text),
    MACHINE.check(),
)


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    lights.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(lights), [{"id": 1, "state": "red"}, {"id": 2, "state": "green"}])
        yield connection


def states(connection):
    return dict(connection.execute(select(lights.c.id, lights.c.state)).all())


def test_only_rows_in_the_named_state_move(connection):
    done = connection.execute(MACHINE.update(lights, [Light.RED], Light.GREEN))

    assert (done.rowcount, states(connection)) == (1, {1: "green", 2: "green"})


def test_a_second_run_changes_nothing(connection):
    connection.execute(MACHINE.update(lights, [Light.RED], Light.BROKEN))

    assert connection.execute(MACHINE.update(lights, [Light.RED], Light.BROKEN)).rowcount == 0


def test_a_transition_that_is_not_in_the_table_raises_before_any_statement(connection):
    with pytest.raises(IllegalTransition, match="light: green -> broken"):
        MACHINE.update(lights, [Light.RED, Light.GREEN], Light.BROKEN)

    assert states(connection) == {1: "red", 2: "green"}


def test_a_row_begins_only_in_a_state_that_is_named_for_it():
    assert MACHINE.begin(Light.RED) is Light.RED
    with pytest.raises(IllegalTransition, match="light: begins as green"):
        MACHINE.begin(Light.GREEN)


def test_the_constraint_refuses_a_state_that_is_not_in_the_enum(connection):
    with pytest.raises(IntegrityError):
        connection.execute(insert(lights).values(id=3, state="blue"))


def test_the_diagram_names_every_transition_once():
    assert MACHINE.diagram().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> red",
        "    red --> green",
        "    red --> broken",
        "    green --> red",
        "    broken --> [*]",
    ]
