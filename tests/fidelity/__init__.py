"""Does the scanner see what a browser sees? Measured on documents whose elements an oracle listed.

`python -m tests.fidelity CORPUS.jsonl ORACLE.jsonl.gz` prints the counts; corpora made
with other seeds work too (the suite in ../shared says how they and the oracle are made).
"""
