"""Corpora in another language: engines, their memory, and answers placed in the translated contexts.

Gives: `apertium`, `engine`, `translation`. Its own: `bergamot`, `engines`, `hub`, `opencc`, `passage`,
`placing`, `table`, `translation_memory`, `word_alignment`.
"""
