from measurement.tables import format_table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert format_table(("name", "n"), [("a", "10"), ("longer", "9")]) == (
        "name     n\n------  --\na       10\nlonger   9"
    )
