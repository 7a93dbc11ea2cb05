"""Fine-tuning a Reader: `loop` is the one page that shows it all; its parts stand beside it.

Gives: `adaptation`, `adversary`, `averaging`, `loop`, `lora`, `optimizer`, `settings`, `snapshot`,
`training_run`, `versions`. Its own: `batches`, `checkpoint`, `command`, `identity`, `masked_words`, `tracking`.
"""
