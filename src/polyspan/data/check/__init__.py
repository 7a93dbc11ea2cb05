"""The faults of a data set (`checking`, by the rules of `rules`), and their mending (`repair`).

Gives: `checking`, `repair`. Its own: `leaks`, `offsets`, `rules`.
"""
