"""Corpora in another language: engines, their memory, and answers placed in the translated contexts.

Gives: `apertium`, `carrying_back`, `engine`, `translation`. Its own: `bergamot`, `engines`, `hub`, `opencc`,
`passage`, `placing`, `sentence_pairs`, `table`, `translation_memory`, `word_alignment`.
"""
