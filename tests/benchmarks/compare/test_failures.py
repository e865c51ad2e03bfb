from benchmarks.compare.failures import MAX_CHARACTERS, last_reason


def test_last_line_that_names_an_error_is_the_reason() -> None:
    log = "ValueError: first\nImportError: libGL.so is missing\nStopping.\n"
    assert last_reason(log) == "libGL.so is missing"


def test_line_that_refers_to_the_one_above_is_passed_over() -> None:
    log = "ValueError: no memory\nRuntimeError: Engine core initialization failed. See above."
    assert last_reason(log) == "no memory"


def test_without_an_error_it_is_the_last_line() -> None:
    assert last_reason("one\ntwo\n\n") == "two"
    assert last_reason("") == "it said nothing"


def test_reason_is_kept_short() -> None:
    assert len(last_reason("x" * 1000)) == MAX_CHARACTERS
