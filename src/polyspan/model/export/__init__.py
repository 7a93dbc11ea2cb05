"""A Reader written as ONNX, behind a gate that compares what it answers before and after.

Gives: `export_gate`, `exporting`, `rounding`. Its own: `onnx_graph`.
"""
