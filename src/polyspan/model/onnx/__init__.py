"""Readers as ONNX: exported behind a gate, and answering without torch and transformers.

Gives: `exported`, `onnx_runtime`. Its own: `openvino_runtime`.
"""
