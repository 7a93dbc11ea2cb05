"""Figures for papers, and the colours and curves that the page draws with too.

Gives: `curves`, `drawing`, `figures`, `reliability`, `representation`, `shades`.
"""
