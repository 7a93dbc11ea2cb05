"""Corpora in another language: engines, their memory, and answers placed in the translated contexts."""
