"""The front door: questions put to texts, by calls that people know.

Gives: `pipeline`. Its own: `compat`, `pairs`, `parameters`.
"""
