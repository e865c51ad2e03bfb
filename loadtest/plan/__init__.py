"""How many GPUs a rate of questions needs: `python -m loadtest plan`."""
