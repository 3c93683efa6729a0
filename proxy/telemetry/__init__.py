"""What operations see: logs, metrics, and how verdicts are summed up for both.

May import filter (verdicts) and below; knows no request, no response and no socket.
"""
