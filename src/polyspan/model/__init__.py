"""The Reader: an encoder with a span head, and how its answers are found; `batch`, `layers` and `map` serve both.

Gives: `abilities`, `adapters`, `answers`, `async_reader`, `batch`, `calibrate`, `calibration`, `card`,
`decode`, `encoders`, `evidence`, `export`, `fast`, `layers`, `map`, `push`, `reader`, `search`,
`torch_runtime`, `vocabulary`, `windows`. Its own: `distribution`, `onnx`, `whole`, `words`.
"""
