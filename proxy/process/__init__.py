"""The processes of the program: start, supervisor, workers, reload, the admin address.

`start.run` reads the files and becomes a worker or a supervisor of several; `worker.Worker` is one serving
process, `reload.Reloader` swaps its snapshot, `gauges` measures it each second, `alerts` tells of new names;
`*_checks` try what a config says beforehand. May import everything below; only commands import it.
"""
