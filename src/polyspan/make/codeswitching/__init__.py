"""Code-switching by bilingual dictionaries: of a corpus once, or anew in every epoch (`augmenting`).

Gives: `augmenting`, `codeswitching`.
"""
