"""Where encoders come from: `encoder` loads one by name; the bundled one and QANet are made here.

Gives: `adapter`, `base`, `bundled`, `difference`, `encoder`, `model_name`, `plain`, `qanet`, `word_head`. Its
own: `bert`, `charsmap`, `four_bits`, `qanet_blocks`, `span_head`, `unpacked`.
"""
