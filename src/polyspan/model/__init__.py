"""The Reader: an encoder with a span head, and how its answers are found; `batch`, `layers` and `map` serve both.

Gives: `abilities`, `adapters`, `answers`, `async_reader`, `batch`, `calibrate`, `calibration`, `card`,
`decode`, `device`, `encoders`, `evidence`, `export`, `fast`, `layers`, `llm`, `map`, `onnx`, `push`, `reader`,
`search`, `torch_runtime`, `vocabulary`, `windows`. Its own: `distribution`, `whole`, `words`.
"""
