"""Proof of consent, kept where nobody can change it unseen. The only entry is store.RecordStore."""
