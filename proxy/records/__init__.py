"""Consent records in SQLite or PostgreSQL, tamper-evident. The only entry is `store.RecordStore`.

`schema` and `rows` declare the columns; `chain` seals records, `verify` checks them.
"""
