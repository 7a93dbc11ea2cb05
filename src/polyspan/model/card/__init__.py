"""The card of a Reader: what it was made from and how well it answers, in the README.md of its folder.

Gives: `card`, `readme`, `upload`. Its own: `card_text`, `metadata`.
"""
