"""FLOOR 4: the proof of consent, kept where nobody can change it unseen. The only door is store.py."""
