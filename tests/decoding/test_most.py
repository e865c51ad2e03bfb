"""What a request can cost at most, worked out by hand: a prompt of 30 tokens, of 100 a path."""

import pytest

from decoding.catalog import parse_decoder
from decoding.decoder import Decoder
from decoding.decoders.universal_vote import LISTED, SELECTION
from decoding.engine import Engine
from decoding.most import MostTokens, Room
from decoding.prompting import ANALOGICAL, PRINCIPLE_QUESTION, STEP_BY_STEP, WITH_PRINCIPLE
from decoding.testing.table_engine import TableEngine
from decoding.verifiers import Claim, Verifier, Verifiers
from decoding.verifiers.built_in import JUDGE
from tests.decoding.sampling import answer, table_of

ROOM = Room(num_prompt_tokens=30, max_tokens=100, context_length=2000)
LISTED_BYTES = len(LISTED.format(number=4, text="\n\n"))


def most(room: Room = ROOM, **decoding: object) -> MostTokens:
    return parse_decoder(decoding).most_tokens(room)


@pytest.mark.parametrize(
    ("decoding", "generated"),
    [
        ({"strategy": "greedy"}, 100),
        # Ten paths, and a cue of 32 tokens behind each where none states an answer.
        ({"strategy": "cot_decoding"}, 10 * (100 + 32)),
        ({"strategy": "cot_decoding", "k": 3, "answer": "number"}, 3 * 100),
        # One more of each sample where none is selected and all are scored.
        ({"strategy": "majority_vote"}, 8 * (100 + 1)),
        ({"strategy": "deepconf", "num_samples": 5}, 5 * (100 + 1)),
        ({"strategy": "best_of_n", "num_samples": 4}, 4 * (100 + 1)),
    ],
)
def test_paths_share_their_prompt(decoding: dict[str, object], generated: int) -> None:
    assert most(**decoding) == MostTokens(30, generated)


def test_judge_reads_each_reply() -> None:
    judged = 30 + 100 + len(JUDGE)
    cost = most(strategy="best_of_n", verifier="self_judge", num_samples=4)
    assert cost == MostTokens(30 + 4 * judged, 4 * (100 + 1 + 1))


def test_selection_reads_all_samples() -> None:
    asked = 30 + 4 * 100 + len(SELECTION) + 4 * LISTED_BYTES
    cost = most(strategy="universal_vote", num_samples=4, max_selection_tokens=9)
    assert cost == MostTokens(30 + asked, 4 * (100 + 1) + 9)


@pytest.mark.parametrize(
    ("stage", "prompt", "generated"),
    [
        ("step_by_step", 30 + len(STEP_BY_STEP), 100),
        ("analogical", 30 + len(ANALOGICAL), 100),
        (
            "step_back",
            (30 + len(PRINCIPLE_QUESTION)) + (30 + len(WITH_PRINCIPLE) + 512),
            512 + 100,
        ),
    ],
)
def test_stage_is_counted(stage: str, prompt: int, generated: int) -> None:
    assert most(strategy="greedy", prompting=stage) == MostTokens(prompt, generated)


def test_no_prompt_is_longer_than_the_context() -> None:
    small = Room(num_prompt_tokens=30, max_tokens=100, context_length=200)
    cost = most(small, strategy="best_of_n", verifier="self_judge", num_samples=4)
    assert cost.prompt == 30 + 4 * 200


class Asking(Verifier):
    def most_tokens(self, room: Room) -> MostTokens:
        return MostTokens(room.context_length, 7)

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        return None


class Silent:
    """A verifier that says nothing of its cost."""

    needs_question = False

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        return None


def test_verifier_tells_its_own_cost() -> None:
    verifiers = Verifiers({"asking": Asking(), "silent": Silent()})  # type: ignore[dict-item]  # on purpose
    asking, silent = (
        parse_decoder({"strategy": "best_of_n", "verifier": name, "num_samples": 2}, verifiers)
        for name in verifiers.by_name
    )
    assert asking.most_tokens(ROOM) == MostTokens(30 + 2 * 2000, 2 * (100 + 1 + 7))
    assert silent.most_tokens(ROOM) == MostTokens(30, 2 * (100 + 1))


RED, BLUE = ("Red",), ("Blue", " as the sky")


@pytest.mark.parametrize(
    "decoding",
    [
        {"strategy": "majority_vote", "num_samples": 2, "stop": "none"},
        {"strategy": "best_of_n", "num_samples": 2},
        {"strategy": "universal_vote", "num_samples": 2},
    ],
)
@pytest.mark.parametrize("max_tokens", [1, 2, 3])
def test_no_run_generates_more(decoding: dict[str, object], max_tokens: int) -> None:
    decoder: Decoder = parse_decoder(decoding)
    engine = TableEngine(
        {**table_of(RED, BLUE), ("<select>",): {"Response 1": 1.0}},
        samples=(BLUE, RED),
        asides={"most consistent": "<select>"},
    )
    answer(decoder, engine, max_tokens=max_tokens)
    room = Room(1, max_tokens, engine.context_length)
    assert 0 < engine.num_tokens <= decoder.most_tokens(room).generated
