"""A Reader written as ONNX, behind a gate that compares what it answers before and after.

Gives: `exporting`, `rounding`. Its own: `export_gate`, `onnx_graph`.
"""
