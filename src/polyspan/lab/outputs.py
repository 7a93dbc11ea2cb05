"""The names of what the stages write, for those that read it."""

READER = "reader"
"""A train stage's Reader: a folder, with the run record in it."""
MODEL = "model"
"""An encoder stage's model: a folder."""
VECTORS = "vectors.vec"
MAP = "map.safetensors"
