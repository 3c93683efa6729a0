"""A copy of the installed aiohttp whose private names are others: an aiohttp that nobody here knows."""

import re
import shutil
from pathlib import Path

import aiohttp

_PRIVATE = re.compile(
    r"\b("
    r"_waiter|_messages|_current_request|_keepalive_handle|_next_keepalive_close_time|"
    r"_process_keepalive|_keepalive_timeout|_handle_request|_handler_waiter|_task_handler|"
    r"_request_in_progress|_drain_helper|_drain_waiter|_upgraded|_buffer_paused|_message_tail|"
    r"_request_count|_request_factory|_request_handler|_manager|_payload_parser|_connections|_kwargs|"
    r"_finish|_cancel|_task"
    r")\b"
)


def unknown_aiohttp(folder: Path) -> Path:
    """Put it into a folder, and return what to put first in PYTHONPATH."""
    copy = folder / "aiohttp"
    shutil.copytree(Path(aiohttp.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.glob("*.py"):
        path.write_text(_PRIVATE.sub(r"_unknown\1", path.read_text("utf-8")), "utf-8")
    return folder
