"""The tag and request rules of a policy, compiled, and the judge that applies them.

Enters at `judge.judge_for`, leaves as a `Verdict`. May import syntax, policy and consent.
"""
