"""Experiments as recipes: a recipe is planned as stages, each stage's output is kept in a store under its key."""
