"""Which passages of a library a question is read against: by words, by vectors of the bundled encoder, or both.

Gives: `index`. Its own: `embeddings`, `lexical`, `terms`.
"""
