"""What an encoder reads: texts as pieces, cut into windows, and the pieces that are the answer.

Gives: `plain_tokenizer`, `tokenizer_file`, `tokens`, `windows`. Its own: `bytelevel`, `labels`.
"""
