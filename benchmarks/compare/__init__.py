"""Right answers per second, Winnow beside its peers: `python -m benchmarks compare`.

Every peer answers the same questions of the same checkpoint on the same machine, one round after
the other in turns. A peer that cannot run here is reported with the reason.
"""
