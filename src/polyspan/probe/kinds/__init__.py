"""The kinds of probe, one a file: options, what its figures are called, and what it computes.

Its own: `answer_cka`, `answer_cosine`, `answer_svcca`, `token_pca`.
"""
