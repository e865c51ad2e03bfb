"""Hand-written stories to train on: goods, people and quantities."""

from pocket.problems.template import story

STORIES = (
    story(
        "garden_rows",
        "a:2-9 b:2-12 c:2-40",
        (
            "{A} plants {a} rows of {b} {toys} in the garden.|A garden has {a} rows with {b} {toys}"
            " in each row.|In {A}'s garden there are {a} rows and {b} {toys} per row.",
            "Rabbits eat {c} of them.|{c} of the {toys} die.|{c} {toys} do not grow.",
        ),
        "How many {toys} are left in the garden?|How many {toys} still grow there?|How many {toys}"
        " are alive?",
        ("Groups: s = a * b", "Left: t = s - c"),
    ),
    story(
        "two_products_total",
        "a:2-9 b:2-12 c:2-9 d:2-12",
        (
            "{A} buys {a} {toys} for {b} dollars each.|{A} pays {b} dollars each for {a} {toys}.|"
            "{a} {toys} cost {b} dollars each.",
            "{A.He} also buys {c} {others} for {d} dollars each.|{c} {others} cost {d} dollars"
            " each.|Then {A} gets {c} {others} at {d} dollars each.",
        ),
        "How many dollars does {A} spend in total?|How much does {A} pay altogether?|What do all of"
        " them cost together?",
        ("Cost: s = a * b", "Cost: t = c * d", "Together: u = s + t"),
    ),
    story(
        "change_from_note",
        "a:2-12 b:2-12 c:5-99",
        (
            "{A} buys {a} {toys} that cost {b} dollars each.|{toys.a} costs {b} dollars and {A}"
            " takes {a} of them.|{A} wants {a} {toys} at {b} dollars each.",
            "{A.He} pays with {c} dollars.|{A} gives the seller {c} dollars.|{A} hands over {c}"
            " dollars.",
        ),
        "How much change does {A} get?|How many dollars does {A.he} get back?|What is the change?",
        ("Cost: s = a * b", "Change: t = c - s"),
    ),
    story(
        "change_two_items",
        "a:2-40 b:2-40 c:5-99",
        (
            "{toys.a} costs {a} dollars.|The price of {toys.a} is {a} dollars.|At the {place}"
            " {toys.a} is {a} dollars.",
            "{others.a} costs {b} dollars.|The price of {others.a} is {b} dollars.|A"
            " {others.one} is {b} dollars.",
            "{A} buys both and pays with {c} dollars.|{A} takes one of each and gives {c} dollars.",
        ),
        "How much change does {A} get?|How many dollars does {A} get back?",
        ("Together: s = a + b", "Change: t = c - s"),
        num_free=2,
    ),
    story(
        "brothers_ages",
        "a:3-60 b:2-30 c:2-30",
        (
            "{A} is {a} years old.|{A}'s age is {a}.",
            "{B} is {b} years older than {A}.|{B} was born {b} years before {A}.",
            "{C} is {c} years younger than {B}.|{C} was born {c} years after {B}.",
        ),
        "How old is {C}?|What is {C}'s age?|What age is {C}?",
        ("Older: s = a + b", "Younger: t = s - c"),
        num_free=3,
    ),
    story(
        "age_in_future",
        "a:3-40 b:2-30 c:2-20",
        (
            "{A} is {a} years old now.|{A} is {a}.|Today {A} is {a} years old.",
            "{B} is {b} years older.|{B} is {b} years older than {A}.",
        ),
        "How old will {B} be in {c} years?|What will {B}'s age be {c} years from now?|In {c} years,"
        " how old is {B}?",
        ("Older: s = a + b", "Later: t = s + c"),
    ),
    story(
        "age_multiple",
        "a:2-20 b:2-5 c:2-20",
        (
            "{A} is {a} years old.|{A}'s age is {a}.",
            "{B} is {b} times as old as {A}.|{B}'s age is {b} times {A}'s age.",
        ),
        "How old was {B} {c} years ago?|What was {B}'s age {c} years ago?",
        ("Times: s = a * b", "Younger: t = s - c"),
    ),
    story(
        "age_sum",
        "a:2-30 b:2-30",
        (
            "{A} is {a} years old.|{A} is {a} now.",
            "{B} is twice as old as {A}.|{B} is double {A}'s age.",
            "{C} is {b} years older than {B}.|{C} was born {b} years before {B}.",
        ),
        "How old are {B} and {C} together?|What is the sum of the ages of {B} and {C}?",
        ("Double: s = a * 2", "Older: t = s + b", "Together: u = s + t"),
    ),
    story(
        "walk_per_hour",
        "a:2-12 b:2-9 c:5-99",
        (
            "{A} walks {a} miles an hour for {b} hours.|For {b} hours {A} walks {a} miles per"
            " hour.|"
            "{A} rides {a} miles each hour and rides for {b} hours.",
            "The way to the {place} is {c} miles long.|The {place} is {c} miles away.|{A} wants to"
            " go"
            " {c} miles.",
        ),
        "How many miles are left?|How far must {A} still go?|How many miles does {A} still have to"
        " go?",
        ("Distance: s = a * b", "Missing: t = c - s"),
        num_free=2,
    ),
    story(
        "drive_two_days",
        "a:5-50 b:5-50 c:2-9",
        (
            "{A} drives {a} miles on {day}.|On {day} {A} drives {a} miles.",
            "On {day2} {A.he} drives {b} miles.|{A} drives another {b} miles on {day2}.",
            "The car needs one hour for {c} miles.|{A.He} goes {c} miles an hour.",
        ),
        "How many hours does {A} drive?|How long does {A} drive in all?",
        ("Distance: s = a + b", "Hours: t = s / c"),
    ),
    story(
        "weekly_reading",
        "a:2-15 b:2-7 c:2-30",
        (
            "{A} reads {a} pages every day.|Every day {A} reads {a} pages.",
            "On {day} {A.he} reads {c} pages more.|One day {A} reads {c} extra pages.",
        ),
        "How many pages does {A} read in {b} days?|How many pages is that after {b} days?",
        ("Groups: s = a * b", "More: t = s + c"),
    ),
    story(
        "baking_trays",
        "a:2-9 b:2-12 c:2-9",
        (
            "{A} bakes {a} trays of cookies with {b} cookies on each tray.|{A} bakes {b} cookies on"
            " each of {a} trays.",
            "{A.He} puts them into {box}.|The cookies go into {box}.",
        ),
        "How many {box} does {A} fill if each {box.one} holds {c} cookies?|With {c} cookies in a"
        " {box.one}, how many {box} are there?",
        ("Groups: s = a * b", "Packs: t = s / c"),
    ),
    story(
        "burnt_buns",
        "a:10-90 b:2-30 c:2-9",
        (
            "{A} bakes {a} buns.|A baker makes {a} buns.",
            "{b} of them burn.|{b} buns are burnt and thrown away.|{b} buns are eaten at once.",
            "The rest are sold at {c} dollars each.|The others cost {c} dollars each and all are"
            " sold.",
        ),
        "How many dollars do the buns bring?|How much money is made?",
        ("Left: s = a - b", "Cost: t = s * c"),
    ),
    story(
        "three_people_more_less",
        "a:5-60 b:2-40 c:2-40",
        (
            "{A} has {a} {toys}.|{A} collected {a} {toys}.",
            "{B} has {b} more than {A}.|{B} has {b} {toys} more than {A}.",
            "{C} has {c} fewer than {B}.|{C} has {c} {toys} less than {B}.",
        ),
        "How many {toys} does {C} have?|How many {toys} did {C} collect?",
        ("More: s = a + b", "Less: t = s - c"),
        num_free=3,
    ),
    story(
        "pair_sum_more",
        "a:3-45 b:2-40",
        (
            "{A} picks {a} {toys}.|{A} picked {a} {toys} in the garden.",
            "{B} picks {b} more than {A}.|{B} picked {b} {toys} more than {A}.",
        ),
        "How many {toys} do they pick together?|How many {toys} do {A} and {B} have in all?",
        ("More: s = a + b", "Together: t = s + a"),
    ),
    story(
        "pair_sum_less",
        "a:8-60 b:2-50",
        (
            "{A} made {a} {toys}.|{A} makes {a} {toys} in a week.",
            "{B} made {b} fewer than {A}.|{B} makes {b} less than {A}.",
        ),
        "How many {toys} did the two make together?|How many {toys} did {A} and {B} make?",
        ("Less: s = a - b", "Together: t = s + a"),
    ),
    story(
        "pair_sum_times",
        "a:2-24 b:3-9",
        (
            "{A} has {a} {toys}.|{A} owns {a} {toys}.",
            "{B} has {b} times as many as {A}.|{B} owns {b} times as many {toys}.",
        ),
        "How many {toys} do they have together?|How many {toys} are there in all?",
        ("Times: s = a * b", "Together: t = s + a"),
    ),
    story(
        "half_as_many_total",
        "a:6-66",
        (
            "{A} has {a} {toys}.|There are {a} {toys} on {A}'s table.",
            "{B} has half as many.|{B} has half as many {toys} as {A}.",
        ),
        "How many {toys} do {A} and {B} have together?|How many {toys} do the two of them have?",
        ("Half: s = a / 2", "Together: t = s + a"),
    ),
    story(
        "class_teams",
        "a:5-50 b:5-50 c:2-9",
        (
            "There are {a} boys in a class.|A class has {a} boys.|{a} boys come to the {place}.",
            "There are {b} girls.|{b} girls are there, too.|{b} girls come as well.",
            "The teacher makes teams of {c}.|They play in teams of {c} children.",
        ),
        "How many teams are there?|How many teams can they make?",
        ("Together: s = a + b", "Packs: t = s / c"),
        num_free=2,
    ),
    story(
        "class_absent",
        "a:2-9 b:2-9 c:2-30",
        (
            "A class sits at {a} tables with {b} children each.|In a class {b} children sit at each"
            " of {a} tables.",
            "Today {c} children are sick.|{c} of the children are at home today.",
        ),
        "How many children are in class today?|How many children came?",
        ("Groups: s = a * b", "Left: t = s - c"),
    ),
    story(
        "points_rounds",
        "a:2-15 b:2-9 c:2-30 d:2-30",
        (
            "{A} scores {a} points in each of {b} rounds.|In {b} rounds of a game {A} gets {a}"
            " points"
            " each.",
            "{A.He} loses {c} points for a mistake.|A mistake costs {A} {c} points.",
            "{B} has {d} points.|{B} scored {d} points.",
        ),
        "How many points do {A} and {B} have together?|How many points did they score in all?",
        ("Groups: s = a * b", "Left: t = s - c", "Together: u = t + d"),
    ),
    story(
        "team_scores",
        "a:5-50 b:5-50 c:5-90",
        (
            "In a game the {red} team scored {a} points at first and then {b} points.|The {red}"
            " team"
            " got {a} points and later {b} more.",
            "The {blue} team scored {c} points.|The {blue} team got {c} points.",
        ),
        "How many points is the {red} team ahead?|By how many points did the {red} team win?",
        ("Together: s = a + b", "Difference: t = s - c"),
        num_free=2,
    ),
    story(
        "three_shelves",
        "a:5-40 b:2-30",
        (
            "The first shelf has {a} books.|There are {a} books on the top shelf.",
            "The second shelf has {b} more than the first.|On the next shelf there are {b} more.",
            "The third shelf has as many as the first two together.|The last shelf has as many"
            " books"
            " as both of these.",
        ),
        "How many books are on the third shelf?|How many books does the last shelf have?",
        ("More: s = a + b", "Together: t = s + a"),
    ),
    story(
        "shelves_lent",
        "a:2-9 b:2-12 c:2-9 d:2-9",
        (
            "A library has {a} shelves with {b} books each.|In a library there are {b} books on"
            " each"
            " of {a} shelves.",
            "{c} children borrow {d} books each.|Each of {c} people borrows {d} books.|{c} readers"
            " take {d} books home each.",
        ),
        "How many books are left in the library?|How many books remain on the shelves?",
        ("Groups: s = a * b", "Groups: t = c * d", "Left: u = s - t"),
    ),
    story(
        "kinds_difference",
        "a:2-9 b:2-12 c:2-60",
        (
            "There are {a} {box} of {red} {toys} with {b} in each.|{a} {box} hold {b} {red} {toys}"
            " each.",
            "There are {c} {blue} {toys}.|{c} {toys} are {blue}.",
        ),
        "How many more {red} than {blue} {toys} are there?|How many more {toys} are {red} than"
        " {blue}?",
        ("Groups: s = a * b", "Difference: t = s - c"),
        num_free=2,
    ),
    story(
        "third_kind",
        "a:2-50 b:2-50 c:8-99",
        (
            "{A} has {c} {toys} in all.|In {box.a} there are {c} {toys}.",
            "{a} are {red} and {b} are {blue}.|{a} of them are {red} and {b} are {blue}.",
            "The others are {green}.|The rest are {green}.",
        ),
        "How many {toys} are {green}?|How many {green} {toys} are there?",
        ("Together: s = a + b", "Left: t = c - s"),
    ),
    story(
        "equal_rest",
        "a:10-99 b:2-40 c:2-9",
        (
            "{A} has {a} {toys} and keeps {b} of them.|Of {a} {toys} {A} keeps {b}.",
            "The rest are shared equally among {c} {friends}.|{A.He} gives the others to {c}"
            " {friends} in equal parts.",
        ),
        "How many {toys} does each of them get?|How many {toys} are there for each?",
        ("Left: s = a - b", "Share: t = s / c"),
    ),
    story(
        "join_and_share",
        "a:2-50 b:2-50 c:2-9",
        (
            "{A} has {a} {toys} and {B} has {b}.|{A} brings {a} {toys} and {B} brings {b} {toys}.",
            "They put them together and make {c} equal piles.|Together they make {c} piles of the"
            " same size.",
        ),
        "How many {toys} are in each pile?|How many {toys} does one pile have?",
        ("Together: s = a + b", "Share: t = s / c"),
    ),
    story(
        "unit_price",
        "a:2-9 b:4-99 c:2-12",
        (
            "{a} {toys} cost {b} dollars.|{A} pays {b} dollars for {a} {toys}.",
            "All of them have the same price.|Each costs the same.",
        ),
        "How much do {c} {toys} cost?|What is the price of {c} {toys}?",
        ("Each: s = b / a", "Cost: t = s * c"),
    ),
)
