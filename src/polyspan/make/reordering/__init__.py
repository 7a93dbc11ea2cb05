"""Sentences in another word order: trees, the types of word order, and the maker itself.

Gives: `conllu`, `reordering`, `typology`. Its own: `parsers`.
"""
