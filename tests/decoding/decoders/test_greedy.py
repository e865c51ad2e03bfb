import asyncio

from decoding.decoder import Progress
from decoding.decoders.greedy import Greedy
from decoding.engine import Delta, Prompt
from decoding.testing.table_engine import TableEngine

TABLE = {(): {"The": 0.6, "So": 0.4}, ("The",): {" 8": 0.9, " 9": 0.1}, ("So",): {" 1": 1.0}}


def test_greedy_takes_the_likeliest_token_and_streams_it() -> None:
    engine = TableEngine(TABLE)
    seen: list[Progress | Delta] = []
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=9)
    outcome = asyncio.run(Greedy().run(engine, prompt, seen.append))
    assert outcome.winner.text == "The 8"
    assert outcome.report.answer == "8"
    assert outcome.report.num_tokens == 3  # The, 8 and the end
    assert [engine.words[d.token_ids[0]] for d in seen if isinstance(d, Delta)][:2] == ["The", " 8"]
    assert engine.started == 1
