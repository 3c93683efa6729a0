"""The version of the program; the distribution takes its own from here.

A process that serves reads it here: to ask the installed distribution takes 1 MB of modules.
"""

VERSION = "0.1.0"
