"""How browsers parse what a page is made of: HTML tokens and attributes, URLs, CSS, JSON blocks.

Imports only filter/size_limits.py; knows grammars, no rules. Every function is pure and linear.
"""
