"""Things in a box, on a table or at a place."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.wording import lines

PLACE = Scene(
    "place",
    {
        "has": lines(
            """
            There are {n} {things} in the {box.one}.
            {box.a} holds {n} {things}.
            The {place} has {n} {things}.
            {box.a} at the {place} contains {n} {things}.
            {n} {things} are in {box.a}.
            {n} {things} lie on the table.
            """
        ),
        "groups": lines(
            """
            There are {n} {box} with {m} {things} each.
            The {place} has {n} {box} and each {box.one} contains {m} {things}.
            {n} {box} hold {m} {things} each.
            At the {place} there are {n} rows of {m} {things}.
            {n} tables have {m} {things} on each of them.
            There are {m} {things} on each of {n} tables.
            {n} rows of {m} {things} stand at the {place}.
            {m} {things} stand in every row, and there are {n} rows.
            Each of the {n} {box} at the {place} has {m} {things}.
            Every one of {n} {box} is filled with {m} {things}.
            In {n} {box} there are {m} {things} each.
            """
        ),
        "kinds": lines(
            """
            There are {n} {red} {things} and {m} {blue} {things} in the {box.one}.
            The {place} has {n} {big} {things} and {m} {small} ones.
            {n} {things} are on the table and {m} are on the floor.
            One {box.one} holds {n} {things} and the other holds {m}.
            There are {n} {things} on one side of the table and {m} on the other side.
            """
        ),
        "gain": lines(
            """
            {A} puts in {n} more.
            {A} adds {n} {things}.
            {n} more {things} are brought in.
            A man at the door hands in {n} {things}.
            {A} starts to paint {n} more {things}.
            {n} {things} painted by {B} come in.
            Then {n} {things} come in addition.
            {A} brings another {n} {things}.
            Someone puts {n} {things} there.
            On {day} {n} new {things} arrive.
            """
        ),
        "loss": lines(
            """
            {A} takes out {n}.
            {A} takes {n} {things} away.
            {n} {things} are removed.
            A family takes {n} of the {things} home.
            Side by side, {A} and {B} carry {n} of them out of the door.
            {n} {things} are not good and must go.
            {n} of them are broken and thrown away.
            Then {n} {things} are sold.
            On {day} {n} of the {things} are used.
            {n} {things} fall down and break.
            Nobody can use {n} of the {things}.
            {n} of them have gone bad.
            """
        ),
        "gain_groups": lines(
            """
            {n} people bring {m} {things} each.
            {A} adds {n} {crate} of {m} {things}.
            {n} {crate} with {m} {things} each arrive.
            On each of {n} days {m} {things} are added.
            """
        ),
        "loss_groups": lines(
            """
            {n} people take {m} {things} each.
            {A} takes away {n} {crate} of {m} {things}.
            {n} {crate} with {m} {things} each are sold.
            On each of {n} days {m} {things} are used.
            """
        ),
        "halve": lines(
            """
            Half of them are sold.
            {A} takes half of the {things}.
            Then half of the {things} are thrown away.
            Half the {things} are used up.
            """
        ),
        "ask_now": lines(
            """
            How many {things} are there now?
            How many {things} are in the {box.one} now?
            How many {things} are left?
            How many {things} remain?
            How many {things} are there when all is done?
            How many {things} are there in all?
            What is the total number of {things}?
            """
        ),
        "share": lines(
            """
            They are shared equally among {n} people. How many does each person get?
            {n} {friends} split them equally. How many {things} does each get?
            They are put on {n} tables, the same number on each. How many are on one table?
            """
        ),
        "pack": lines(
            """
            They are packed into {crate} of {n}. How many {crate} are there?
            Every {crate.one} takes {n} {things}. How many {crate} are needed for them?
            They are placed in rows of {n}. How many rows are there?
            """
        ),
        "price": lines(
            """
            Each one is sold for {n} dollars. How many dollars is that in all?
            {A} can use each of them {n} times. How many times is that?
            One costs {n} dollars. How much do they cost in total?
            If each one costs {n} dollars, what is the total price?
            """
        ),
        "more": lines(
            """
            Another {box.one} holds {n}. How many fewer is that?
            The {place2} has {n} {things}. How many more are here than at the {place2}?
            """
        ),
        "both": lines(
            """
            Another {crate.one} holds {n} {things}. How many {things} are there altogether?
            There are {n} {things} at the {place2}. How many {things} are there in both places?
            """
        ),
        "goal": lines(
            """
            There is room for {n} {things}. How many more can be put in?
            {n} {things} are needed. How many are still missing?
            """
        ),
    },
)
