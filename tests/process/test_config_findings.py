"""A finding of a check is a problem at the line of the config that it speaks of."""

from proxy.process.config_findings import ConfigFinding, located

CONFIG = "listen: 127.0.0.1:80\nsites:\n  - hosts: [a.io, b.io]\n"


def test_each_finding_stands_at_the_value_it_speaks_of_or_at_the_nearest_key_that_is_there(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    findings = [
        ConfigFinding(("listen", 0), "is taken"),
        ConfigFinding(("sites", 0, "hosts", 1), "is no host", warning=True),
        ConfigFinding(("sites", 0, "share"), "is missing"),
    ]

    assert [(str(one), one.warning) for one in located(findings, path)] == [
        ("config.yaml:1:9: is taken", False),
        ("config.yaml:3:19: is no host", True),
        ("config.yaml:3:5: is missing", False),
    ]


def test_of_a_file_with_nothing_in_it_the_first_line_is_told(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("")

    assert [str(one) for one in located([ConfigFinding(("listen",), "is missing")], path)] == [
        "config.yaml:1:1: is missing"
    ]
