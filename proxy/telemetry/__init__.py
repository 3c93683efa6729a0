"""Logs and metrics for operations, and the summaries of verdicts that both print.

May import filter (verdicts) and below; knows no request, no response and no socket.
"""
