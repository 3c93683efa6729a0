"""Where the program runs and how it speaks: the config file as types, read with every problem at once.

`loading` turns text into a `Config`, `units` has the words of the file that are more than text, `signing_key`
finds or makes the key. May import policy and below.
"""
