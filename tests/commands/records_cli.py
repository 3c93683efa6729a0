"""The `records` commands as they are run: a config file, and what they print."""

from typer.testing import CliRunner

from proxy.commands.records import records_app

SIGNING = b"0123456789abcdef0123456789abcdef"


def write_config(folder, *, hosts="callkom.io"):
    (folder / "consent.key").write_bytes(SIGNING + b"\n")
    file = folder / "config.yaml"
    file.write_text(
        "listen: 127.0.0.1:8080\n"
        f'sites:\n  - {{ hosts: [{hosts}], upstream: "http://127.0.0.1:9001" }}\n'
        "records: { url: sqlite:///proofs.db, keep: 1 year }\n"
    )
    return file


def run(config, *arguments, code=0, stdin=None):
    result = CliRunner().invoke(records_app, [*arguments, "--config", str(config)], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result
