"""What other consent tools store in a visitor's browser, read as an answer: pure, bounded, no error.

`known` lists the tools; a reader turns a tool's cookies into a `ToolAnswer` or a `Silence`. Its cookies
are signed by nobody: what a reader cannot believe is no answer.
"""
