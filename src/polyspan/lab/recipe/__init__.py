"""Recipes: what a file may say, how it is read, and every default filled in.

Gives: `fields`, `reader_entry`, `recipe`, `recipe_file`, `resolve`, `shipped`. Its own: `document`, `part`,
`variables`.
"""
