"""Which passages of a library a question is read against: by words, by vectors of the bundled encoder, or both.

Gives: `embeddings`, `index`, `terms`. Its own: `lexical`.
"""
