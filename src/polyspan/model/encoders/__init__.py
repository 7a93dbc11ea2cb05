"""Where encoders come from: `encoder` loads one by name; the bundled one and QANet are made here.

Gives: `adapter`, `encoder`, `model_name`, `qanet`, `word_head`. Its own: `bundled`, `charsmap`,
`qanet_blocks`, `span_head`.
"""
