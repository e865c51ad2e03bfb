"""Whole templates that training never sees, in any wording; they are for evaluation only.

Their words and single operations occur in training, their sentences do not. For the last group, not
even the structure of the solution does (`pocket.problems.template.structure`).
"""

from pocket.problems.template import story

NEW_STORIES = (
    story(
        "theater_seats",
        "a:3-9 b:4-12 c:2-20 d:2-60",
        (
            "A room for shows has {a} rows, and every row has {b} seats.|In a big room {a} rows of"
            " {b} seats stand.",
            "{c} seats are broken.|Nobody can sit on {c} of the seats.",
            "{d} people already sit there.|{d} of the good seats are taken.",
        ),
        "How many people can still find a seat?|How many good seats are free?",
        ("Groups: s = a * b", "Left: t = s - c", "Left: u = t - d"),
    ),
    story(
        "candle_stall",
        "a:2-9 b:3-12 c:2-30 d:2-9",
        (
            "{A} makes candles in {a} trays, {b} candles in a tray.|Each of {A}'s {a} trays gives"
            " {b} candles.",
            "{c} candles break.|{c} of the candles are not good.",
            "{A} ties the good ones together, {d} to a ribbon.|With one ribbon {A.he} holds {d}"
            " good"
            " candles together.",
        ),
        "How many ribbons does {A} use?|How many ribbons are needed for the good candles?",
        ("Groups: s = a * b", "Left: t = s - c", "Packs: u = t / d"),
    ),
    story(
        "bike_savings",
        "a:2-12 b:2-8 c:2-40 d:5-90",
        (
            "{A} carries letters and gets {a} dollars a week.|Each week {A} makes {a} dollars with"
            " cleaning cars.",
            "After {b} weeks {A.his} mother adds {c} dollars.|{A.He} does so for {b} weeks, and a"
            " friend gives {A.him} {c} dollars.",
            "A used bike takes {d} dollars from this.|From it {A.he} buys an old bike at {d}"
            " dollars.",
        ),
        "How many dollars does {A} keep?|What is left of the money?",
        ("Groups: s = a * b", "More: t = s + c", "Left: u = t - d"),
    ),
    story(
        "cousin_age_later",
        "a:4-40 b:2-20 c:2-20",
        (
            "{A}'s uncle is twice as old as {A}, who is {a}.|{A} is {a}, and {A.his} uncle has"
            " lived"
            " twice as long.",
            "His wife is {b} years younger than he is.|The uncle's wife was born {b} years after"
            " him.",
        ),
        "How old will the wife be when {c} more years have gone by?|What age will the wife have"
        " when another {c} years are gone?",
        ("Double: s = a * 2", "Younger: t = s - b", "Later: u = t + c"),
    ),
    story(
        "shared_marbles",
        "a:10-98 b:2-9 c:2-40 d:2-30",
        (
            "The teacher splits {a} {toys} equally between {b} children, and {A} is one of them.|"
            "{A} and other children, {b} in all, get {a} {toys} in equal parts from the teacher.",
            "At home {A} already had {c} {toys}.|{A} puts them with {c} {toys} from home.",
            "A dog eats {d} of all {A.his} {toys}.|{A.His} little brother breaks {d} of {A.his}"
            " {toys}.",
        ),
        "How many {toys} can {A} still play with?|How many {toys} are still {A}'s?",
        ("Share: s = a / b", "More: t = s + c", "Left: u = t - d"),
    ),
    story(
        "boat_tour",
        "a:6-60 b:2-40 c:2-6",
        (
            "A boat leaves the town with {a} people on it.|{a} people sit in a boat.",
            "At an old tower half of them get out.|Half of these people leave the boat at a"
            " garden.",
            "{b} new people take the free seats.|{b} others who stand there get in.",
            "Now everyone on the boat pays {c} dollars.|The boat man then takes {c} dollars from"
            " each"
            " person.",
        ),
        "How many dollars does the boat man get?|How much money is paid on the boat?",
        ("Half: s = a / 2", "More: t = s + b", "Cost: u = t * c"),
    ),
    story(
        "milk_market",
        "a:2-9 b:2-9 c:2-40 d:2-5",
        (
            "{A}'s {a} goats give {b} cups of milk each.|Every one of the {a} goats on the farm"
            " fills"
            " {b} cups with milk.",
            "The children drink {c} cups of it.|For the family {A} keeps {c} cups.",
            "On the market people buy the rest at {d} dollars a cup.|What is left brings {d}"
            " dollars"
            " a cup on the market.",
        ),
        "How many dollars does the milk bring?|How much money does {A} take home?",
        ("Groups: s = a * b", "Left: t = s - c", "Cost: u = t * d"),
    ),
)

NEW_STRUCTURES = (
    story(
        "fence_painters",
        "a:2-9 b:2-9 c:2-8 d:20-99",
        (
            "The town has {d} old doors that need paint.|{d} doors at the {place} must be painted.",
            "{A} can do {a} doors in an hour and {B} can do {b}.|In one hour {A} finishes {a} doors"
            " while {B} finishes {b}.",
            "Both start at noon and paint for {c} hours.|The two paint side by side for {c} hours.",
        ),
        "How many doors still need paint after that?|How many doors are not painted yet?",
        ("Together: s = a + b", "Groups: t = s * c", "Missing: u = d - t"),
    ),
    story(
        "family_museum",
        "a:2-12 b:2-9 c:2-4 d:2-5 e:20-99",
        (
            "At the museum adults pay {a} dollars and children pay {b}.|The museum takes {a}"
            " dollars"
            " from an adult and {b} dollars from a child.",
            "A family of {c} adults and {d} children goes in.|{c} adults and {d} children of one"
            " family come.",
            "The man at the door gets {e} dollars from them.|The father gives {e} dollars at the"
            " door.",
        ),
        "How many dollars come back to the family?|What do they get back?",
        ("Cost: s = a * c", "Cost: t = b * d", "Together: u = s + t", "Change: v = e - u"),
    ),
    story(
        "fishing_trip",
        "a:6-60 b:2-40",
        (
            "Out on the water {A} catches {a} fish.|{A} goes fishing and brings home {a} fish.",
            "{B} gets {b} fish less than that.|That is {b} fish more than {B} brings.",
            "{C} has twice as much luck as {B}.|{C} comes home with double of what {B} has.",
        ),
        "{B} and {C} put their fish on one table. How many are on it?|What do {B} and {C} have,"
        " taken"
        " together?",
        ("Less: s = a - b", "Double: t = s * 2", "Together: u = s + t"),
    ),
    story(
        "parked_cars",
        "a:2-9 b:2-12 c:2-40",
        (
            "On one side of the {place} stand {a} rows of {b} cars.|Cars stand at one side of the"
            " {place}, in {a} rows with {b} to a row.",
            "The other side has {c} cars fewer.|On the other side {c} cars less are waiting.",
        ),
        "How many cars are on both sides?|How many cars does that make for one side and the other"
        " together?",
        ("Groups: s = a * b", "Less: t = s - c", "Together: u = s + t"),
    ),
    story(
        "cheaper_lamps",
        "a:5-40 b:2-30 c:2-9 d:2-60",
        (
            "A lamp was {a} dollars, but now it is {b} dollars less.|Lamps that were {a} dollars"
            " each"
            " are now {b} dollars cheaper.",
            "{A} carries home {c} of these lamps and a radio for {d} dollars.|With {c} lamps {A}"
            " also"
            " takes a radio at {d} dollars.",
        ),
        "How much money does {A} need for all this?|How many dollars must {A} pay?",
        ("Less: s = a - b", "Cost: t = s * c", "Together: u = t + d"),
    ),
)

STORIES = NEW_STORIES + NEW_STRUCTURES
