"""`schema` prints the one line that an editor needs."""

import json
from pathlib import Path

from tests.commands.running import run


def test_it_prints_the_path_of_a_json_schema_that_is_there():
    told = run("schema")

    assert (told.returncode, told.stderr, told.stdout.count("\n")) == (0, "", 1)
    schema = json.loads(Path(told.stdout.strip()).read_text())
    assert {"policy", "purposes", "providers"} <= schema["properties"].keys()
