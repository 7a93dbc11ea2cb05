"""Recipes: what a file may say, how it is read, and every default filled in.

Gives: `fields`, `recipe`, `recipe_file`, `resolve`, `shipped`. Its own: `document`, `variables`.
"""
