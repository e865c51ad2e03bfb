"""Animals on a farm."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.wording import lines

FARM = Scene(
    "farm",
    {
        "has": lines(
            """
            A farm has {n} {beasts}.
            There are {n} {beasts} on {A}'s farm.
            {A} has {n} {beasts} at home.
            """
        ),
        "kinds": lines(
            """
            A farm has {n} {red} {beasts} and {m} {blue} ones.
            {n} {beasts} are in one field and {m} {beasts} are in another.
            """
        ),
        "groups": lines(
            """
            There are {n} fields with {m} {beasts} each.
            Every one of {n} fields has {m} {beasts}.
            A farm has {n} houses. In each house live {m} {beasts}.
            """
        ),
        "gain": lines(
            """
            {n} young {beasts} are born.
            {A} buys {n} more {beasts}.
            {n} {beasts} come back.
            """
        ),
        "loss": lines(
            """
            {n} {beasts} run away.
            {n} {beasts} go to drink and do not come back.
            The farmer's wife sells {n} {beasts}.
            {A} sells {n} {beasts}.
            {n} of the {beasts} are moved to another farm.
            """
        ),
        "gain_groups": lines(
            """
            {A} buys {n} groups of {m} {beasts}.
            {n} farmers bring {m} {beasts} each.
            """
        ),
        "loss_groups": lines(
            """
            {n} farmers buy {m} {beasts} each.
            """
        ),
        "halve": lines(
            """
            {A} sells half of the {beasts}.
            Half of the {beasts} run away.
            """
        ),
        "ask_now": lines(
            """
            How many {beasts} are on the farm now?
            How many {beasts} are left?
            How many {beasts} are there in the end?
            """
        ),
        "share": lines(
            """
            They are put into {n} fields, the same number in each. How many are in one field?
            """
        ),
        "price": lines(
            """
            Each of them eats {n} {others} a day. How many {others} do they eat a day?
            Each one gives {n} cups of milk. How many cups is that?
            Each one needs {n} cups of milk. How many cups of milk are needed?
            """
        ),
        "as_many": lines(
            """
            {B}'s farm has {n} times as many {beasts}. How many does {B} have?
            """
        ),
    },
    noun="beasts",
)
