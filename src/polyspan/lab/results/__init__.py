"""What finished stages say, gathered into one report.

Gives: `gathered`, `numbers`, `results`. Its own: `example_answers`, `inference`, `sources`, `trials`.
"""
