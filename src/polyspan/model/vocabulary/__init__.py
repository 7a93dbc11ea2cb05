"""Encoders with other pieces: those in use, word vectors of another language (`graft`), or QANet's own.

Gives: `cooccurrence`, `graft`, `qanet_words`, `trim`, `word_vectors`. Its own: `new_pieces`, `pieces`,
`projection`, `splitting`, `table`.
"""
