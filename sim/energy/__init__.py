"""Energy: an estimate from counted cycles and a board's currents, with its inputs and where each is from.

`power` reads `[power]` of a board, `estimate` makes joules of it, `cells` battery life, `figures` those of a report.
"""
