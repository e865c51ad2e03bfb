"""Someone who owns things."""

from pocket.problems.scenes.scene import Scene
from pocket.problems.wording import lines

PERSON = Scene(
    "person",
    {
        "has": lines(
            """
            {A} has {n} {things}.
            {A} owns {n} {things}.
            {A} starts with {n} {things}.
            At first {A} has {n} {things}.
            {n} {things} are waiting for {A}.
            {A} keeps {n} {things} in {box.a}.
            {A} collects {things} and has {n} of them.
            There are {n} {things} in {A}'s {box.one}.
            In the morning {A} had {n} {things}.
            """
        ),
        "groups": lines(
            """
            {A} has {n} {box} with {m} {things} each.
            {A} has {n} {box} of {m} {things}.
            {A} buys {n} {box}. Each {box.one} holds {m} {things}.
            {A} fills {n} {box} with {m} {things} each.
            There are {m} {things} in every {box.one} and {A} has {n} {box}.
            {A} gets {n} {box} and every {box.one} has {m} {things} in it.
            {A} owns {n} {box}, each with {m} {things}.
            Every one of {A}'s {n} {box} holds {m} {things}.
            Each of {n} {box} gives {A} {m} {things}.
            {A} has {n} {box}, {m} {things} in a {box.one}.
            """
        ),
        "kinds": lines(
            """
            {A} has {n} {red} {things} and {m} {blue} {things}.
            {A} has {n} {red} and {m} {blue} {things}.
            {A} keeps {n} {things} in one {box.one} and {m} in another.
            {A} found {n} {things} on {day} and {m} on {day2}.
            {A} owns {n} {big} {things} as well as {m} {small} ones.
            {A} brings home {n} {things} and then {m} more.
            """
        ),
        "more_than": lines(
            """
            {B} has {n} {things}. {A} has {m} more than {B}.
            {B} owns {n} {things} and {A} owns {m} more than {B}.
            {A} has {m} {things} more than {B}, who has {n}.
            {B} has {n} {things}, which is {m} less than {A} has.
            {B} has {n} {things} and {A} has {m} {things} more.
            """
        ),
        "fewer_than": lines(
            """
            {B} has {n} {things}. {A} has {m} fewer than {B}.
            {B} owns {n} {things} and {A} owns {m} fewer.
            {A} has {m} {things} fewer than {B}, who has {n}.
            {B} has {n} {things}. {A} has {m} less.
            {B} has {n} {things}, which is {m} more than {A} has.
            {B} has {n} {things}. These are {m} more than {A}'s.
            """
        ),
        "times": lines(
            """
            {B} has {n} {things}. {A} has {m} times as many.
            {B} owns {n} {things} and {A} owns {m} times as many as {B}.
            {A} has {m} times as many {things} as {B}, who has {n}.
            """
        ),
        "twice": lines(
            """
            {B} has {n} {things}. {A} has twice as many.
            {B} owns {n} {things} and {A} owns twice as many as {B}.
            {A} has twice as many {things} as {B}, who has {n}.
            {A} has double the number of {things} that {B} has. {B} has {n}.
            """
        ),
        "half_of": lines(
            """
            {B} has {n} {things}. {A} has half as many.
            {B} owns {n} {things} and {A} owns half as many as {B}.
            {A} has half as many {things} as {B}, who has {n}.
            {B} has {n} {things} and gives {A} half of them.
            """
        ),
        "daily": lines(
            """
            {A} makes {n} {things} each day for {m} days.
            Every day {A} collects {n} {things}. {A.He} does so for {m} days.
            For {m} days {A} finds {n} {things} a day.
            {A} puts {n} {things} a day into {box.a} for {m} days.
            """
        ),
        "split": lines(
            """
            {n} {things} are shared equally among {A} and some others, {m} people in all.
            {m} people, {A} among them, share {n} {things} equally.
            {A} gets one of {m} equal parts of {n} {things}.
            {n} {things} are split into {m} equal piles and {A} takes one.
            Between {m} children a teacher splits {n} {things}. {A} is one of the children.
            {n} {things} go to {m} children in equal parts. {A} is one of these children.
            With others, {m} children in all, {A} shares {n} {things} equally.
            """
        ),
        "gain": lines(
            """
            {A.He} buys {n} more.
            {A} buys {n} more {things}.
            Then {A.he} finds {n} {things}.
            {B} gives {A.him} {n} more.
            {C} gives {A} {n} {things}.
            {A.He} gets {n} {things} from {B}.
            Later {A} receives another {n} {things}.
            {A.He} wins {n} more {things} in a game.
            {A.He} picks up {n} more.
            {A} comes home with {n} more.
            With some luck {A.he} finds {n} more.
            {A.His} uncle's wife brings {n} {things}.
            When {B} comes, {A.he} gets {n} more.
            After that {A} makes {n} more {things}.
            {A.His} mother adds {n} {things}.
            For {A.his} birthday {A} gets {n} {things}.
            {A} already had {n} other {things}.
            From home {A} brings {n} more {things}.
            {A.He} comes home with {n} {things} more.
            """
        ),
        "loss": lines(
            """
            {A.He} gives {n} to {B}.
            {A} gives {n} {things} to {C}.
            {A.His} uncle's wife takes {n} {things}.
            {n} {things} have gone bad.
            {A} hands {n} {things} to a child at the door.
            {n} {things} fall into the water.
            While cleaning, {A} finds that {n} {things} are broken.
            Then {A.he} loses {n} {things}.
            {A.He} sells {n} of them.
            {n} of the {things} break.
            {A} throws {n} {things} away.
            {C} takes {n} of {A.his} {things}.
            {A.He} uses {n} {things}.
            Later {A} hands {n} {things} to a friend.
            {n} {things} get lost.
            A dog runs away with {n} of them.
            {A.His} little brother takes {n} {things}.
            {n} of {A.his} {things} are not good any more.
            {B} breaks {n} {things}.
            A goat eats {n} of {A.his} {things}.
            {A.He} leaves {n} of them at the {place}.
            Sadly, {n} {things} are stolen.
            """
        ),
        "gain_groups": lines(
            """
            {A.He} buys {n} {crate} with {m} {things} each.
            Then {A} gets {n} {crate} of {m} {things}.
            {n} {friends} give {A.him} {m} {things} each.
            Each of {n} {friends} gives {A} {m} {things}.
            {A.He} finds {n} {crate}, each with {m} {things}.
            For {n} days {A} makes {m} more {things} a day.
            """
        ),
        "loss_groups": lines(
            """
            {A.He} gives {m} {things} to each of {n} {friends}.
            {A} gives {n} {friends} {m} {things} each.
            Each of {n} {friends} takes {m} {things}.
            Then {A.he} sells {n} {crate} with {m} {things} each.
            For {n} days {A} uses {m} {things} a day.
            {A.He} puts {m} {things} on each of {n} tables at the {place}.
            """
        ),
        "halve": lines(
            """
            {A.He} gives half of them to {B}.
            Then {A} sells half of the {things}.
            {A} loses half of {A.his} {things}.
            Half of these {things} go to {B}.
            Half of the {things} get lost.
            {A.He} gives away half.
            """
        ),
        "double": lines(
            """
            Then {A} doubles the number of {things}.
            {A.He} then gets as many again.
            {A.His} uncle doubles {A.his} {things}.
            """
        ),
        "triple": lines(
            """
            Then {A} triples the number of {things}.
            {A.His} uncle triples {A.his} {things}.
            """
        ),
        "ask_now": lines(
            """
            How many {things} does {A} have now?
            How many {things} does {A} have in the end?
            How many {things} does {A} have?
            How many {things} are left for {A}?
            What number of {things} does {A} have at the end?
            How many does {A} have then?
            How many {things} are {A}'s now?
            How many {things} can {A} keep?
            Find how many {things} {A} has.
            When all is done, how many {things} does {A} have?
            """
        ),
        "share": lines(
            """
            {A} shares them equally among {n} {friends}. How many {things} does each one get?
            {A.He} splits the {things} equally between {n} {friends}. How many does each get?
            {n} {friends} share these {things} equally. How many {things} are there for each?
            How many {things} does each of {n} {friends} get if {A} shares them equally?
            """
        ),
        "pack": lines(
            """
            {A} puts them into {crate} of {n}. How many {crate} does {A.he} need?
            {A.He} packs {n} {things} into each {crate.one}. How many {crate} does {A} fill?
            Each {crate.one} holds {n} {things}. How many {crate} are needed?
            How many {crate} of {n} can {A} make?
            A ribbon goes around {n} {things}. For how many ribbons are there {things}?
            """
        ),
        "price": lines(
            """
            {A} sells them all for {n} dollars each. How many dollars does {A} get?
            Each of them costs {n} dollars. How much do all of {A}'s {things} cost?
            {A.He} sells each for {n} dollars. How much money does {A.he} make?
            One is worth {n} dollars. What are all of them worth?
            At the market each of them brings {n} dollars. How much money does {A} get?
            """
        ),
        "more": lines(
            """
            {D} has {n} {things}. How many more {things} does {A} have than {D}?
            How many more {things} than {D} does {A} have if {D} has {n}?
            {D} owns {n} {things}. How many fewer does {D} own than {A}?
            """
        ),
        "both": lines(
            """
            {D} has {n} {things}. How many {things} do {A} and {D} have together?
            {D} owns {n}. How many {things} do they have in all?
            How many {things} do {A} and {D} have together if {D} has {n}?
            """
        ),
        "goal": lines(
            """
            {A} wants {n} {things}. How many more does {A.he} need?
            {A} needs {n} {things} in all. How many are missing?
            How many more {things} does {A} need to have {n}?
            """
        ),
        "as_many": lines(
            """
            {D} has {n} times as many {things} as {A} has now. How many does {D} have?
            {D} now has {n} times as many as {A}. How many {things} does {D} have?
            """
        ),
        "with_twice": lines(
            """
            {D} has twice as many {things} as {A} has now. How many do they have together?
            {D} now has double the {things} of {A}. How many {things} do the two have in all?
            """
        ),
    },
)
