"""Recipes: what a file may say, how it is read, and every default filled in."""
