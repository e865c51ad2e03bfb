"""A process that adds documents until it is killed: `python ingesting.py STORE FIRST`.

It writes the number of each lot once the store has it on disk.
"""

import sys
from itertools import count
from pathlib import Path

from retrieval.sqlite_store import SQLiteStore
from tests.retrieval.material import TENANT, document

LOT = 4
PIECES = 3


def main() -> None:
    store = SQLiteStore(Path(sys.argv[1]))
    facts = store.collection(TENANT, "facts")
    for number in count(int(sys.argv[2])):
        texts = [
            [f"lot {number} document {i} piece {j}" for j in range(PIECES)] for i in range(LOT)
        ]
        vectors = [[float(number), 1.0]] * PIECES
        store.add(facts, [document(*one, source=str(number), vectors=vectors) for one in texts])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
