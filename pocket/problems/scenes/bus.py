"""People who come and go."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.vocabulary import Noun
from pocket.problems.wording import lines

BUS = Scene(
    "bus",
    {
        "has": lines(
            """
            A bus carries {n} people.
            There are {n} people on a bus.
            A train leaves with {n} people.
            A boat carries {n} people over the water.
            A boat starts with {n} people.
            {n} people sit in a room.
            {n} people come to the {place}.
            In a show {n} people start to sing.
            """
        ),
        "groups": lines(
            """
            {n} cars bring {m} people each.
            There are {n} groups of {m} people at the {place}.
            {n} tables have {m} people each.
            """
        ),
        "kinds": lines(
            """
            There are {n} men and {m} women on a bus.
            {n} boys and {m} girls are at the {place}.
            {n} people sit on one side and {m} on the other. Both sides wait for a show.
            {n} adults and {m} children take a train.
            Two families with {n} adults and {m} children are at the {place}.
            """
        ),
        "gain": lines(
            """
            {n} people get on.
            {n} more people come.
            When a show starts, {n} people come in.
            {n} more come in by the door.
            At the next stop {n} people get on.
            Then {n} people join them.
            {n} new people come on board.
            {n} others, who wait there, get in.
            """
        ),
        "loss": lines(
            """
            {n} people get off.
            {n} people leave.
            When it rains, {n} people leave.
            {n} people go to drink some water.
            A family of {n} goes home.
            {n} people go out by the side door.
            At the next stop {n} people get off.
            Then {n} of them go home.
            {n} people get out at the next tower.
            {n} people leave at the {place}.
            """
        ),
        "gain_groups": lines(
            """
            At each of {n} stops {m} people get on.
            {n} groups of {m} people join them.
            """
        ),
        "loss_groups": lines(
            """
            At each of {n} stops {m} people get off.
            {n} groups of {m} people leave.
            """
        ),
        "halve": lines(
            """
            Half of the people leave.
            Half of these people go home.
            Half of them get off.
            Half get out at the garden.
            """
        ),
        "ask_now": lines(
            """
            How many people are there now?
            How many people are still there?
            How many people are left?
            """
        ),
        "share": lines(
            """
            They form {n} groups of the same size. How many people are in each group?
            """
        ),
        "pack": lines(
            """
            They form groups of {n}. How many groups are there?
            {n} people fit into one car. How many cars do they need?
            """
        ),
        "price": lines(
            """
            Each one pays {n} dollars. How many dollars do they pay in all?
            A ticket costs {n} dollars a person. How much do they pay together?
            Everyone gives a man {n} dollars. How much money does the man get?
            {n} dollars must be paid by everyone. How many dollars is that?
            """
        ),
        "goal": lines(
            """
            There are {n} seats. How many seats are free?
            There are seats for {n} people. For how many more is there a seat?
            There is room for {n} people. How many more can come?
            """
        ),
    },
    things=Noun("people", "person"),
)
