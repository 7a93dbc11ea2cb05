"""What finished stages say, gathered into one report.

Gives: `results`. Its own: `example_answers`, `gathered`, `inference`, `numbers`, `sources`, `trials`.
"""
