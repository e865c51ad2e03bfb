"""Someone who earns and spends dollars."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.vocabulary import Noun
from pocket.problems.wording import lines

MONEY = Scene(
    "money",
    {
        "has": lines(
            """
            {A} has {n} dollars.
            {A} saved {n} dollars.
            {A} takes {n} dollars to the {place}.
            There are {n} dollars in {A}'s purse.
            {A} gets {n} dollars from {A.his} mother.
            """
        ),
        "groups": lines(
            """
            {A} sells {n} {others} for {m} dollars each.
            {A} works {n} hours for {m} dollars an hour.
            {A} has {n} notes of {m} dollars each.
            {n} {friends} give {A} {m} dollars each.
            """
        ),
        "daily": lines(
            """
            {A} earns {n} dollars a day for {m} days.
            {A} gets {n} dollars each day. {A.He} works for {m} days.
            For {m} days {A} earns {n} dollars every day.
            {A} makes {n} dollars a week with singing. {A.He} sings for {m} weeks.
            {A} cleans rooms and earns {n} dollars a day. After {m} days {A.he} stops.
            {A} gets {n} dollars a week. {A.He} saves for {m} weeks.
            """
        ),
        "kinds": lines(
            """
            {A} earned {n} dollars on {day} and {m} dollars on {day2}.
            {A} has {n} dollars in one pocket and {m} dollars in the other.
            {B} gives {A} {n} dollars and {C} gives {A.him} {m} dollars.
            """
        ),
        "gain": lines(
            """
            {A.He} earns {n} dollars.
            {A} finds {n} dollars.
            {A} gets {n} dollars for cleaning doors.
            {A} finishes a job and gets {n} dollars.
            After that {A.his} uncle adds {n} dollars.
            {A.His} uncle's wife gives {A.him} {n} dollars.
            {B} pays {A.him} {n} dollars.
            Then {A} gets another {n} dollars.
            {A.His} uncle gives {A.him} {n} dollars.
            {A.He} sells a toy for {n} dollars.
            Then {A.his} mother adds {n} dollars.
            From a friend {A} gets {n} dollars.
            """
        ),
        "loss": lines(
            """
            {A.He} spends {n} dollars on {others}.
            {A} buys a hat for {n} dollars.
            {A} pays {n} dollars for letters.
            {A.He} buys a {big} {others.one} at {n} dollars.
            A {big} {others.one} takes {n} dollars of it.
            Of this {A.he} gives {n} dollars for an old hat.
            At the door a child takes {n} dollars from {A.him}.
            {A.He} goes fishing and pays {n} dollars for the boat.
            Paint for a door costs {A} {n} dollars.
            {n} dollars are gone for something to drink.
            {A.He} pays {n} dollars for lunch.
            Then {A} loses {n} dollars.
            {A.He} lends {B} {n} dollars.
            {A} buys a {big} {others.one} that costs {n} dollars.
            {A.He} pays {n} dollars for the bus.
            A used radio costs {A} {n} dollars.
            {A} pays {n} dollars for an old lamp.
            """
        ),
        "gain_groups": lines(
            """
            {A.He} sells {n} {others} for {m} dollars each.
            Then {A} works {n} hours and gets {m} dollars an hour.
            {n} neighbors pay {A.him} {m} dollars each.
            """
        ),
        "loss_groups": lines(
            """
            {A.He} buys {n} {others} at {m} dollars each.
            {A} buys {n} {others} for {m} dollars each.
            {A} pays for {n} {others} that cost {m} dollars each.
            {A.He} gives {n} {friends} {m} dollars each.
            """
        ),
        "halve": lines(
            """
            {A.He} spends half of the money.
            {A} gives half of {A.his} money to {B}.
            Half of that goes to {C}.
            """
        ),
        "double": lines(
            """
            {A.His} father doubles the money.
            {A.His} mother gives {A.him} as much again.
            """
        ),
        "ask_now": lines(
            """
            How many dollars does {A} have now?
            How much money does {A} have left?
            How much money is left?
            How many dollars does {A} have in the end?
            How much does {A} have then?
            How many dollars can {A} keep?
            How much of the money is left?
            """
        ),
        "share": lines(
            """
            {A} shares the money equally among {n} {friends}. How many dollars does each get?
            {A.He} spends the same amount on each of {n} days. How much does {A.he} spend a day?
            """
        ),
        "pack": lines(
            """
            One {others.one} costs {n} dollars. How many {others} can {A} buy?
            How many {others} for {n} dollars each can {A} buy with that?
            """
        ),
        "goal": lines(
            """
            A {big} {others.one} costs {n} dollars. How many more dollars does {A} need?
            {A} wants to have {n} dollars. How much is missing?
            """
        ),
        "both": lines(
            """
            {D} has {n} dollars. How much do {A} and {D} have together?
            """
        ),
        "more": lines(
            """
            {D} has {n} dollars. How many more dollars does {A} have than {D}?
            """
        ),
    },
    things=Noun("dollars", "dollar"),
)
