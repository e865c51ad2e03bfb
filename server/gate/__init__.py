"""What stands in front of every route: who may ask, how much, and in what form."""
