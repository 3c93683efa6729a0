"""Consent, pure: the visitor's answer, its cookie, the decision it leads to, and its record.

`cookie.read_answers` reads an answer, `decision.decide` says what it grants now, `record`
is its proof. May import policy.
"""
