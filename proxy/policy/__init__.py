"""FLOOR 1: what we promised. rules.yaml as nouns, read with every problem at once. Pure."""
