"""`python -m proxy` is the command `consent-proxy`."""

from proxy.cli import main

main()
