"""The policy: rules.yaml, parsed into frozen dataclasses with all problems at once. Pure.

Enters at `load.load_policy`, leaves as a `model.Policy`. The actions of `do:` are in
actions.py. Imports nothing of the proxy but errors and problems.
"""
