"""The methods of alignment, one a file: options and what is known of each; read without torch.

Gives: `dema`, `muse`, `vecmap`. Its own: `mean`, `procrustes`.
"""
