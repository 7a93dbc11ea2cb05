"""Experiments as recipes: a recipe is planned as stages, each stage's output is kept in a store under its key.

Gives: `carrying`, `engine`, `machine`, `outputs`, `plan`, `quickstart`, `recipe`, `run`, `stage`, `store`,
`transfer_matrix`, `work`. Its own: `results`.
"""
