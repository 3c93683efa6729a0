"""How the program lives: start, supervisor, workers, reload, the admin address.

`start.run` reads the files and becomes a worker or a supervisor of several; `worker.Worker` wires one serving
process together. May import everything below; only commands import it.
"""
