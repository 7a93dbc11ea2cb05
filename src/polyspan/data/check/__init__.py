"""The faults of a data set (`checking`, by the rules of `rules`), their mending (`repair`), and what it shares
with others (`leaks`).

Gives: `checking`, `leaks`, `repair`. Its own: `offsets`, `rules`.
"""
