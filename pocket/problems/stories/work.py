"""Hand-written stories to train on: work, time, travel, measures and money."""

from pocket.problems.template import story

STORIES = (
    story(
        "unit_work",
        "a:2-9 b:4-99 c:2-12",
        (
            "{A} makes {b} {toys} in {a} hours.|In {a} hours {A} paints {b} {toys}.|{A} needs {a}"
            " hours for {b} {toys}.",
            "{A.He} always works at the same speed.|{A} keeps this speed.",
        ),
        "How many {toys} does {A} make in {c} hours?|How many {toys} are done in {c} hours?",
        ("Each: s = b / a", "Groups: t = s * c"),
    ),
    story(
        "two_workers_days",
        "a:2-12 b:2-12 c:2-9",
        (
            "{A} paints {a} chairs a day.|Every day {A} makes {a} chairs.",
            "{B} paints {b} chairs a day.|Every day {B} makes {b} chairs.",
            "They work together.|Both work every day.|Both start to work on {day}.",
        ),
        "How many chairs are done in {c} days?|How many chairs do they finish in {c} days?",
        ("Together: s = a + b", "Groups: t = s * c"),
        num_free=2,
    ),
    story(
        "machines_hours",
        "a:2-6 b:2-6 c:2-6 d:2-40",
        (
            "A machine makes {a} {toys} an hour.|Each machine makes {a} {toys} per hour.",
            "There are {b} machines.|The {place} has {b} of these machines.",
            "They run for {c} hours.|All of them work {c} hours.",
            "{d} {toys} are bad.|{d} of the {toys} are broken.",
        ),
        "How many good {toys} are there?|How many {toys} can be sold?",
        ("Groups: s = a * b", "Groups: t = s * c", "Left: u = t - d"),
    ),
    story(
        "hourly_pay_and_gift",
        "a:2-12 b:2-9 c:2-40 d:5-99",
        (
            "{A} works {b} hours for {a} dollars an hour.|{A} gets {a} dollars an hour and works"
            " {b}"
            " hours.",
            "{A.He} wants a bike that costs {d} dollars.|A new bike costs {d} dollars.",
            "{A.His} uncle pays {c} dollars of the price.|{A.His} father takes {c} dollars off the"
            " price.",
        ),
        "How many dollars are missing?|How many more dollars does {A} need?",
        ("Groups: s = a * b", "Left: t = d - c", "Missing: u = t - s"),
    ),
    story(
        "spend_twice",
        "a:10-99 b:2-40 c:2-40",
        (
            "{A} goes to the {place} with {a} dollars.|{A} has {a} dollars to spend.",
            "{A.He} pays {b} dollars for {toys}.|{b} dollars go for {toys}.",
            "{A.He} spends {c} dollars on {others}.|Then {A.he} pays {c} dollars for {others}.",
        ),
        "How many dollars are left?|How much money does {A} still have?|How much is left over?",
        ("Left: s = a - b", "Left: t = s - c"),
    ),
    story(
        "save_for_goal",
        "a:5-99 b:2-60 c:2-9",
        (
            "{A} wants to buy a {big} {toys.one} for {a} dollars.|A {big} {toys.one} costs {a}"
            " dollars"
            " and {A} wants it.",
            "{A.He} already has {b} dollars.|So far {A} has saved {b} dollars.",
            "{A.He} saves {c} dollars a week.|Each week {A} saves {c} dollars.",
        ),
        "How many weeks does {A} still have to save?|In how many weeks can {A} buy it?",
        ("Missing: s = a - b", "Weeks: t = s / c"),
        num_free=2,
    ),
    story(
        "weeks_saved_total",
        "a:2-15 b:2-9 c:2-15",
        (
            "{A} saves {a} dollars a week.|Each week {A} puts {a} dollars into {box.a}.",
            "{B} saves {c} dollars a week.|Each week {B} puts away {c} dollars.",
        ),
        "How many dollars does {A} save in {b} weeks if {A.he} also gets all that {B} saves in one"
        " week?|{A} saves for {b} weeks and {B} for one week. How much is that together?",
        ("Groups: s = a * b", "Together: t = s + c"),
    ),
    story(
        "rope_pieces",
        "a:6-99 b:2-9 c:2-9",
        (
            "A rope is {a} feet long.|{A} has {a} feet of rope.",
            "{A} cuts it into {b} equal pieces.|It is cut into {b} pieces of the same length.",
        ),
        "How long are {c} of the pieces together?|How many feet are {c} pieces?",
        ("Each: s = a / b", "Groups: t = s * c"),
    ),
    story(
        "ribbon_rest",
        "a:10-99 b:2-9 c:2-12",
        (
            "{A} has a ribbon of {a} feet.|A ribbon is {a} feet long.",
            "{A.He} cuts off {b} pieces of {c} feet each.|{b} pieces, each {c} feet long, are cut"
            " off.",
        ),
        "How long is the rest?|How many feet of ribbon are left?",
        ("Groups: s = b * c", "Left: t = a - s"),
    ),
    story(
        "water_tank",
        "a:5-90 b:2-9 c:2-9 d:2-40",
        (
            "A tank holds {a} gallons of water.|There are {a} gallons of water in a tank.",
            "{b} gallons flow out every hour for {c} hours.|For {c} hours {b} gallons an hour flow"
            " out.",
            "Then {d} gallons of rain fall into it.|After that {A} pours in {d} gallons.",
        ),
        "How many gallons are in the tank now?|How much water is in the tank in the end?",
        ("Groups: s = b * c", "Left: t = a - s", "More: u = t + d"),
    ),
    story(
        "temperature",
        "a:10-80 b:2-30 c:2-30",
        (
            "In the morning it is {a} degrees.|The day starts with {a} degrees.",
            "By noon it gets {b} degrees warmer.|Until noon it rises by {b} degrees.",
            "In the evening it is {c} degrees colder than at noon.|Then it falls by {c} degrees.",
        ),
        "How many degrees is it in the evening?|What is the temperature at the end?",
        ("More: s = a + b", "Left: t = s - c"),
    ),
    story(
        "minutes_task",
        "a:2-12 b:2-9 c:2-40",
        (
            "{A} needs {a} minutes to clean one room.|Cleaning a room takes {A} {a} minutes.",
            "The house has {b} rooms.|There are {b} rooms to clean.",
            "{A.He} also rests for {c} minutes.|A break takes {c} minutes.",
        ),
        "How many minutes does it take in all?|How long is {A} busy?",
        ("Groups: s = a * b", "More: t = s + c"),
        num_free=2,
    ),
    story(
        "practice_days",
        "a:2-20 b:2-6 c:2-30 d:2-3",
        (
            "{A} plays music for {a} minutes on each of {b} days.|On {b} days {A} plays {a}"
            " minutes a"
            " day.",
            "On {day} {A.he} plays {c} minutes.|On {day} {A} plays for {c} minutes.",
        ),
        "How many minutes is that in {d} weeks, if all weeks are the same?|How many minutes does"
        " {A} play in {d} such weeks?",
        ("Groups: s = a * b", "More: t = s + c", "Times: u = t * d"),
    ),
    story(
        "eggs_for_cakes",
        "a:2-12 b:2-9 c:2-12 d:2-9",
        (
            "{a} hens lay {b} eggs each.|Each of {a} hens lays {b} eggs.",
            "A cake needs {c} eggs.|For one cake {A} uses {c} eggs.",
        ),
        "How many eggs are left after {d} cakes?|{A} bakes {d} cakes. How many eggs remain?",
        ("Groups: s = a * b", "Groups: t = c * d", "Left: u = s - t"),
        num_free=2,
    ),
    story(
        "legs",
        "a:2-12 b:2-20",
        (
            "On a farm there are {a} horses.|A farm has {a} horses.",
            "There are also {b} hens.|{b} hens live there, too.",
        ),
        "A horse has 4 legs and a hen has 2. How many legs do all of them have?|How many legs are"
        " there if a horse has 4 and a hen has 2?",
        ("Groups: s = a * 4", "Groups: t = b * 2", "Together: u = s + t"),
    ),
    story(
        "wheels",
        "a:2-15 b:2-20",
        (
            "There are {a} cars at the {place}.|{a} cars stand at the {place}.",
            "There are {b} bikes.|{b} bikes stand next to them.",
        ),
        "A car has 4 wheels and a bike has 2. How many wheels are there?|How many wheels is that if"
        " a car has 4 and a bike has 2?",
        ("Groups: s = a * 4", "Groups: t = b * 2", "Together: u = s + t"),
        num_free=2,
    ),
    story(
        "tickets_group",
        "a:2-9 b:2-12 c:2-30",
        (
            "{a} friends go to a show.|{a} people want to see a show.",
            "A ticket costs {b} dollars.|Each ticket is {b} dollars.",
            "The driver gets {c} dollars.|They pay {c} dollars for the bus.",
        ),
        "How many dollars do they pay in all?|What does the trip cost?",
        ("Cost: s = a * b", "Together: t = s + c"),
    ),
    story(
        "adult_child_fare",
        "a:2-30 b:2-20 c:2-9",
        (
            "An adult ticket costs {a} dollars.|Adults pay {a} dollars.",
            "A child ticket is {b} dollars cheaper.|Children pay {b} dollars less.",
        ),
        "How much do tickets for {c} children cost?|What do {c} children pay?",
        ("Less: s = a - b", "Cost: t = s * c"),
    ),
    story(
        "discount_each",
        "a:5-30 b:2-20 c:2-9 d:5-99",
        (
            "{toys.a} costs {a} dollars.|The price of {toys.a} is {a} dollars.",
            "Today it is {b} dollars cheaper.|Today the price is {b} dollars less.",
            "{A} has {d} dollars and buys {c} {toys}.|{A} buys {c} {toys} with {d} dollars.",
        ),
        "How many dollars are left?|How much money does {A} have left?",
        ("Less: s = a - b", "Cost: t = s * c", "Left: u = d - t"),
    ),
    story(
        "three_days_growth",
        "a:3-40 b:2-20",
        (
            "On {day} {A} sells {a} {toys}.|{A} sold {a} {toys} on {day}.",
            "On {day2} {A.he} sells twice as many.|On {day2} {A} sells double that.",
            "On {day3} {A.he} sells {b} fewer than on {day2}.|On {day3} {A} sells {b} less than the"
            " day before.",
        ),
        "How many {toys} does {A} sell on {day3}?|How many {toys} are sold on {day3}?",
        ("Double: s = a * 2", "Less: t = s - b"),
    ),
    story(
        "two_days_sum_share",
        "a:3-45 b:2-40 c:2-9",
        (
            "On {day} {A} finds {a} {toys}.|{A} found {a} {toys} on {day}.",
            "On {day2} {A.he} finds {b} more than on {day}.|On {day2} it is {b} more.",
            "All of them go to {c} {friends} in equal parts.|{c} {friends} share them all equally.",
        ),
        "How many {toys} does each one get?|How many {toys} are there for each?",
        ("More: s = a + b", "Together: t = s + a", "Share: u = t / c"),
    ),
    story(
        "heights",
        "a:10-90 b:2-40 c:2-5",
        (
            "The {red} tower is {a} feet high.|A {red} tower has a height of {a} feet.",
            "On the other side is a {blue} tower, {b} feet lower.|The {blue} tower is {b} feet"
            " less high.",
            "The {green} tower is {c} times as high as the {blue} one.|The {green} tower has {c}"
            " times"
            " the height of the {blue} one.",
        ),
        "How high is the {green} tower?|What is the height of the {green} tower?",
        ("Less: s = a - b", "Times: t = s * c"),
    ),
    story(
        "weights",
        "a:2-12 b:2-9 c:2-40",
        (
            "{toys.a} weighs {a} pounds.|The weight of one {toys.one} is {a} pounds.",
            "An empty {box.one} weighs {c} pounds.|The {box.one} alone weighs {c} pounds.",
        ),
        "How heavy is the {box.one} with {b} {toys} in it?|What do {b} {toys} and the {box.one}"
        " weigh"
        " together?",
        ("Groups: s = a * b", "More: t = s + c"),
        num_free=2,
    ),
    story(
        "floors_rooms",
        "a:2-9 b:2-12 c:2-9",
        (
            "A house has {a} floors with {b} rooms each.|There are {a} floors in a house and {b}"
            " rooms"
            " on each floor.",
            "Half of the rooms are empty.|Half of all rooms are free.",
            "The {place} rents {c} of the free rooms.|{c} of these are then rented.",
        ),
        "How many rooms are still empty?|How many rooms stay free?",
        ("Groups: s = a * b", "Half: t = s / 2", "Left: u = t - c"),
    ),
    story(
        "pool_swim",
        "a:2-12 b:2-9 c:2-40",
        (
            "{A} swims {a} laps each day for {b} days.|For {b} days {A} swims {a} laps a day.",
            "{B} swims {c} laps.|{B} swims {c} laps in that time.",
        ),
        "How many more laps does {A} swim than {B}?|How many laps more than {B} is that?",
        ("Groups: s = a * b", "Difference: t = s - c"),
        num_free=2,
    ),
    story(
        "pets_food",
        "a:2-9 b:2-9 c:2-6",
        (
            "{A} has {a} {beasts} and {b} {beasts2}.|{a} {beasts} and {b} {beasts2} live with {A}.",
            "Each of them eats {c} cups of food a day.|Every one needs {c} cups of food.",
        ),
        "How many cups of food are needed a day?|How many cups do they eat in all?",
        ("Together: s = a + b", "Groups: t = s * c"),
    ),
    story(
        "ordered_and_delivered",
        "a:2-9 b:2-12 c:2-60 d:2-40",
        (
            "The {place} needs {c} {toys}.|For a party {c} {toys} are needed.",
            "{a} {box} of {b} {toys} arrive.|{A} brings {a} {box} with {b} {toys} each.",
            "{d} of these are broken.|{d} {toys} in them are bad.",
        ),
        "How many good {toys} are still missing?|How many good {toys} are still needed?",
        ("Groups: s = a * b", "Left: t = s - d", "Missing: u = c - t"),
    ),
)
