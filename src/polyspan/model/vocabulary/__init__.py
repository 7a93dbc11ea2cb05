"""Encoders with other pieces: those in use, word vectors of another language (`graft`), or QANet's own."""
