"""Hand-written stories to train on: families, trips, rooms, food and play."""

from pocket.problems.template import story

STORIES = (
    story(
        "train_seats",
        "a:20-99 b:2-60 c:2-60",
        (
            "A train has {a} seats.|There are {a} seats on a train.|A boat has {a} seats.",
            "{b} seats are already taken.|{b} seats already have people.|{b} seats are not free.",
            "{c} new people come and sit down.|{c} others find a seat.|{c} people get in and take a"
            " seat.",
        ),
        "How many seats are free now?|How many seats are not taken?|On how many seats does nobody"
        " sit?",
        ("Left: s = a - b", "Left: t = s - c"),
    ),
    story(
        "hall_chairs",
        "a:2-9 b:2-12 c:5-99",
        (
            "{c} people come to see a show.|A show has {c} guests.|{c} people want to sit down.",
            "There are {a} rows with {b} chairs in every row.|Chairs stand in {a} rows, {b} in a"
            " row.",
        ),
        "How many people must stand?|How many people find no chair?",
        ("Groups: s = a * b", "Missing: t = c - s"),
        num_free=2,
    ),
    story(
        "married_ages",
        "a:20-80 b:2-20 c:2-20",
        (
            "A farmer is {a} years old.|{A}, a farmer, is {a}.",
            "The farmer's wife has lived {b} years less.|The farmer's wife has {b} years less than"
            " the farmer.",
        ),
        "How old was his wife {c} years ago?|What was the age of the farmer's wife {c} years ago?",
        ("Younger: s = a - b", "Younger: t = s - c"),
    ),
    story(
        "uncle_age",
        "a:3-30 b:2-30 c:2-20",
        (
            "{A} is {a} and {A.his} brother {B} is {b} years older.|{B} is {b} years older than"
            " {A},"
            " who is {a}.",
            "Their uncle is as old as both together.|The uncle's age is the sum of their ages.",
        ),
        "How old is the uncle?|What is the uncle's age?",
        ("Older: s = a + b", "Together: t = s + a"),
    ),
    story(
        "age_when",
        "a:3-40 b:2-20 c:2-30",
        (
            "{A} is {a} years old.|{A}, who lives in the town, is {a}.",
            "{B} is {b} years younger.|{B} was born {b} years after {A}.",
        ),
        "How old will {B} be when {c} years are over?|How old will {B} be after {c} years?|What"
        " age will {B} have in {c} years?",
        ("Younger: s = a - b", "Later: t = s + c"),
    ),
    story(
        "twins_mother",
        "a:2-15 b:2-20",
        (
            "{A} and {B} are both {a} years old.|{A} and {A.his} brother are {a} each.",
            "Their mother is {b} years older than both together.|The mother has lived {b} years"
            " more"
            " than both of them together.",
        ),
        "How old is the mother?|What is the age of their mother?",
        ("Double: s = a * 2", "Older: t = s + b"),
    ),
    story(
        "chairs_to_paint",
        "a:2-9 b:2-9 c:10-99",
        (
            "A class has {c} chairs to paint.|{c} chairs must get new paint.|{A} has to paint {c}"
            " chairs.",
            "{A} starts at noon and does {a} chairs an hour.|Each hour {a} chairs get painted by"
            " {A}.",
            "{A.He} paints for {b} hours.|After {b} hours {A.he} stops.",
        ),
        "How many chairs wait for paint?|How many of the chairs have no new paint yet?",
        ("Groups: s = a * b", "Missing: t = c - s"),
    ),
    story(
        "side_by_side",
        "a:2-20 b:2-20 c:5-80",
        (
            "{A} finishes {a} {toys} a day while {B} finishes {b}.|{A} does {a} {toys} in a day and"
            " {B} does {b}.|Every day {A} finishes {a} {toys} while {B} makes {b}.",
            "The {place} wants {c} {toys} today.|They need {c} {toys}.",
        ),
        "How many {toys} have they not made yet at the end of the day?|How many {toys} are still"
        " missing?",
        ("Together: s = a + b", "Missing: t = c - s"),
        num_free=2,
    ),
    story(
        "letters_job",
        "a:2-15 b:2-6 c:2-40",
        (
            "{A} writes {a} letters a week for {b} weeks.|For {b} weeks {A} writes {a} letters each"
            " week.",
            "{c} letters get lost.|{A.He} burns {c} of the letters while cleaning.|{A} does not"
            " keep"
            " {c} of them.",
        ),
        "How many letters are left?|How many of the letters does {A} keep?",
        ("Groups: s = a * b", "Left: t = s - c"),
    ),
    story(
        "museum_adults",
        "a:2-15 b:2-6 c:5-99",
        (
            "One day at the {place} costs {a} dollars for an adult.|For an adult the {place} is {a}"
            " dollars a day.",
            "A family has {b} adults.|{b} adults from a family buy tickets.",
            "{A} hands the seller {c} dollars for all.|For this {A} gives a man {c} dollars.",
        ),
        "What is the change?|How much change is there?|How much change comes back to {A}?",
        ("Cost: s = a * b", "Change: t = c - s"),
    ),
    story(
        "adults_and_children",
        "a:2-12 b:2-5 c:2-9 d:2-8",
        (
            "{b} adults and {d} children see a show.|For a show come {b} adults with {d} children.",
            "The show costs {a} dollars for an adult and {c} dollars for a child.|A ticket is {a}"
            " dollars for adults, but {c} for a child.",
        ),
        "How many dollars does the show bring?|What do all of them pay together?",
        ("Cost: s = a * b", "Cost: t = c * d", "Together: u = s + t"),
    ),
    story(
        "boys_and_girls_get",
        "a:2-9 b:2-9 c:2-9 d:2-9",
        (
            "Each boy gets {a} {toys} and each girl gets {b}.|Boys take {a} {toys} each and girls"
            " take"
            " {b} each.",
            "{c} boys and {d} girls come.|There are {c} boys and {d} girls in the {place}.",
        ),
        "How many {toys} are needed?|How many {toys} do they get in all?",
        ("Groups: s = a * c", "Groups: t = b * d", "Together: u = s + t"),
    ),
    story(
        "price_list",
        "a:2-15 b:2-15 c:2-9 d:2-9 e:10-99",
        (
            "A seller takes {a} dollars for {toys.a} and {b} dollars for {others.a}.|One {toys.one}"
            " costs {a} dollars and one {others.one} {b} dollars.",
            "{A} buys {c} {toys} and {d} {others}.|{A} wants {c} {toys} with {d} {others}.",
            "{A.He} has {e} dollars, and this is too little.|But {A} has only {e} dollars.",
        ),
        "How many dollars are missing?|How many more dollars does {A} need?",
        ("Cost: s = a * c", "Cost: t = b * d", "Together: u = s + t", "Missing: v = u - e"),
    ),
    story(
        "pair_prices",
        "a:2-12 b:2-12 c:2-9 d:2-9",
        (
            "{toys.a} is {a} dollars and {others.a} is {b}.|The {place} sells {toys} at {a} dollars"
            " and {others} at {b} dollars.",
            "{A} takes {c} {toys} and {d} {others}.|{A} comes home with {c} {toys} and {d}"
            " {others}.",
        ),
        "How much does {A} pay?|How many dollars does {A} pay in all?",
        ("Cost: s = a * c", "Cost: t = b * d", "Together: u = s + t"),
    ),
    story(
        "teacher_splits",
        "a:12-98 b:2-9 c:2-40",
        (
            "{a} {toys} are split between {b} children.|The teacher splits {a} {toys} into equal"
            " parts"
            " for {b} children.",
            "One of these, {A}, then finds {c} {toys}.|{A}, one of them, had {c} {toys} before.",
        ),
        "How many {toys} does {A} have then?|With how many {toys} can {A} play?",
        ("Share: s = a / b", "More: t = s + c"),
    ),
    story(
        "dog_breaks",
        "a:12-98 b:2-9 c:2-30",
        (
            "A mother splits {a} {toys} between her {b} children.|{b} brothers share {a} {toys}"
            " equally between them.",
            "The little one breaks {c} of these.|A dog runs away with {c} {toys} of the little"
            " one.",
        ),
        "How many {toys} does the little one still have?|How many {toys} has the little one now?",
        ("Share: s = a / b", "Left: t = s - c"),
    ),
    story(
        "fishing_pair",
        "a:3-45 b:2-40",
        (
            "{A} likes fishing and has {a} fish.|{A} catches {a} fish.",
            "{B} catches {b} fewer.|{B}, who has less luck, catches {b} fewer.",
        ),
        "How many fish do the two of them have?|How many fish do {A} and {B} catch?",
        ("Less: s = a - b", "Together: t = s + a"),
    ),
    story(
        "fishing_times",
        "a:2-30 b:2-30",
        (
            "{A} takes {a} fish out of the water.|There were {a} fish for {A}.",
            "With more luck {B} catches double that number.|{B} catches twice as many.",
            "The family eats {b} of {B}'s fish.|{B} comes to the table with {b} less.",
        ),
        "How many fish does {B} still have?|How many of {B}'s fish are left?",
        ("Double: s = a * 2", "Left: t = s - b"),
    ),
    story(
        "boat_stops",
        "a:6-90 b:2-40",
        (
            "A boat has room for {a} people.|{a} people fit into a boat.",
            "Half of the room is taken.|People sit on half of the seats.",
            "{b} children who stand at the tower come, too.|Then {b} people leave the house and"
            " come in.",
        ),
        "How many people does the boat carry then?|With how many people does it go on?",
        ("Half: s = a / 2", "More: t = s + b"),
    ),
    story(
        "everyone_pays",
        "a:10-60 b:2-50 c:2-9",
        (
            "A boat has {a} seats, and nobody sits on {b} of them.|Of {a} seats in a boat {b} stay"
            " free.",
            "Everyone in it gives {c} dollars.|A seat costs {c} dollars for everyone.",
        ),
        "What do the people give in all?|How many dollars is that?",
        ("Left: s = a - b", "Cost: t = s * c"),
    ),
    story(
        "milk_cups",
        "a:5-90 b:2-9 c:2-9",
        (
            "A farmer fills {a} cups with milk.|A family has {a} cups of milk.",
            "{b} children drink {c} cups each.|Every one of {b} children drinks {c} cups.",
        ),
        "How many cups of milk are left?|How much milk is not used?",
        ("Groups: s = b * c", "Left: t = a - s"),
    ),
    story(
        "market_cakes",
        "a:5-60 b:2-50 c:2-6",
        (
            "{A} bakes {a} cakes for a market.|There are {a} cakes for the market.",
            "The family eats {b} of them.|{b} cakes stay at home.",
            "People buy all others for {c} dollars each.|Every other cake brings {c} dollars.",
        ),
        "How many dollars do the cakes bring?|How much money comes in?",
        ("Left: s = a - b", "Cost: t = s * c"),
    ),
    story(
        "ribbons_tied",
        "a:2-50 b:2-50 c:2-9",
        (
            "{A} has {a} {red} and {b} {blue} flowers.|{A} picks {a} {red} flowers and {b} {blue}"
            " ones.",
            "Every ribbon goes around {c} flowers.|A ribbon ties {c} of them.",
        ),
        "How many ribbons are used?|For how many ribbons are there flowers?",
        ("Together: s = a + b", "Packs: t = s / c"),
    ),
    story(
        "candles_on_cakes",
        "a:10-98 b:2-40 c:2-9",
        (
            "A kitchen has {a} candles.|There are {a} candles in the kitchen.",
            "{b} candles are too old.|{b} of these do not burn.",
            "{A} puts {c} of the others on each cake.|A cake gets {c} of the good ones.",
        ),
        "How many cakes get candles?|For how many cakes do they last?",
        ("Left: s = a - b", "Packs: t = s / c"),
    ),
    story(
        "shows_per_day",
        "a:2-6 b:2-7 c:2-30",
        (
            "The {place} gives {a} shows a day for {b} days.|For {b} days there are {a} shows each"
            " day.",
            "{c} of the shows are for children.|Children can see {c} of these shows.",
        ),
        "How many shows are not for children?|How many of the shows are for adults?",
        ("Groups: s = a * b", "Left: t = s - c"),
    ),
)
