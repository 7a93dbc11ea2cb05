"""Sentences in another word order: trees, the types of word order, and the maker itself."""
