"""How browsers parse what a page is made of: HTML tokens and attributes, URLs, CSS, JSON blocks.

Imports nothing above; knows grammars, no rules. Every function is pure and linear.
"""
