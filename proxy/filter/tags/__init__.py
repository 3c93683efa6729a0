"""One start tag: its verdict by the rules, the edit that enforces it, and placeholders.

Enters at `start_tag.judge_tag`, leaves as a `JudgedTag`. May import headers, rules and syntax.
"""
