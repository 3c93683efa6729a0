"""The commands, one file each: they read files and flags, call the other packages, and print.

Tables and colours for people, `--json` for programs. Exit 0 done, 1 faults found or failed,
2 wrong use, 3 warnings only.
"""
