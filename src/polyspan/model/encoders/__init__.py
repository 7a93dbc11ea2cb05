"""Where encoders come from: `encoder` loads one by name; the bundled one and QANet are made here.

Gives: `adapter`, `base`, `difference`, `encoder`, `model_name`, `qanet`, `word_head`. Its own: `bundled`,
`charsmap`, `four_bits`, `qanet_blocks`, `span_head`, `unpacked`.
"""
