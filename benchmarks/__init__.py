"""What makes the published figures, beside named peers. Not part of the installed package."""
