"""Someone with a book to read."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.vocabulary import Noun
from pocket.problems.wording import lines

READING = Scene(
    "reading",
    {
        "has": lines(
            """
            {A} has a book with {n} pages.
            A book has {n} pages and {A} wants to read it.
            {A} must read {n} pages.
            """
        ),
        "loss": lines(
            """
            {A.He} reads {n} pages on {day}.
            While {B} paints, {A} reads {n} pages.
            {A} finishes {n} pages before noon.
            {A} reads {n} pages.
            Then {A.he} reads another {n} pages.
            """
        ),
        "loss_groups": lines(
            """
            For {n} days {A} reads {m} pages a day.
            {A.He} reads {m} pages on each of {n} days.
            {A} reads {m} pages an hour for {n} hours.
            """
        ),
        "gain": lines(
            """
            The teacher adds {n} pages.
            {A.He} has to read {n} more pages.
            """
        ),
        "halve": lines(
            """
            {A.He} reads half of them.
            {A} reads half of the pages.
            """
        ),
        "ask_now": lines(
            """
            How many pages are left to read?
            How many pages must {A} still read?
            How many pages remain?
            """
        ),
        "share": lines(
            """
            {A} reads the rest in {n} days, the same number each day. How many pages a day is that?
            """
        ),
        "pack": lines(
            """
            Now {A} reads {n} pages a day. How many days does {A.he} need for the rest?
            {A} reads {n} pages an hour. How many hours does the rest take?
            """
        ),
    },
    things=Noun("pages", "page"),
)
