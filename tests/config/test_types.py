import re
from dataclasses import fields
from pathlib import Path

import pytest

from proxy.config import types as nouns
from proxy.config.loading import load_config

DOCS = Path(__file__).parents[2] / "docs" / "config.md"
LEAST = "listen: 127.0.0.1:0\nsites: [{ hosts: callkom.io, upstream: 'http://127.0.0.1:1' }]\n"
SECTIONS = {
    "top": nouns.Config,
    "sites": nouns.SiteConfig,
    "consent": nouns.ConsentConfig,
    "records": nouns.RecordsConfig,
    "timeouts": nouns.TimeoutsConfig,
    "limits": nouns.LimitsConfig,
    "banner": nouns.BannerConfig,
    "relay": nouns.RelayConfig,
    "alerts": nouns.AlertsConfig,
    "console": nouns.ConsoleConfig,
    "log": nouns.LogConfig,
}


def documented():
    section, found = "top", {}
    for line in DOCS.read_text("utf-8").splitlines():
        if heading := re.match(r"## (?:`(\w+):`)?", line):
            section = heading[1] or "other"
        elif row := re.match(r"\| ((?:`\w+`(?:, )?)+) \| (.*?) \|", line):
            for key in re.findall(r"\w+", row[1]):
                found[section, key] = row[2].strip("` ")
    return found


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_documented_and_nothing_else(section):
    told = {key for part, key in documented() if part == section}

    assert told == {field.name for field in fields(SECTIONS[section])}


def test_every_key_of_the_source_is_documented_below_it():
    told = DOCS.read_text("utf-8").partition("### `source:`")[2].partition("\n## ")[0]
    keys = {field.name for field in (*fields(nouns.SourceConfig), *fields(nouns.CoversConfig))}

    assert {key for key in keys if f"`{key}`" not in told and f"{key}:" not in told} == set()


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (section, key)
        for (section, key) in documented()
        if section in ("timeouts", "limits", "records", "log", "consent")
    ],
)
def test_the_documented_default_is_the_one_in_force(section, key):
    told = documented()[section, key]
    if told in ("none", "what the hosts share", "consent.key", "upstream.key"):
        return
    without = getattr(load_config(LEAST), section)
    with_it = getattr(load_config(LEAST + f"{section}: {{ {key}: '{told}' }}\n"), section)

    assert getattr(with_it, key) == getattr(without, key)


@pytest.mark.parametrize("name", ["callkom.yaml", "docker.yaml", "local.yaml"])
def test_the_configs_we_ship_are_sound(name):
    path = Path(__file__).parents[2] / "config" / name

    assert load_config(path.read_text("utf-8"), name).sites


@pytest.mark.parametrize(
    "banner", ["{ theme: blue }", "{ light: { act: '#777777' } }", "{ light: { glow: '#000000' } }"]
)
def test_a_banner_that_not_everybody_can_read_is_refused(banner):
    from proxy.errors import ConfigError

    with pytest.raises(ConfigError, match="banner"):
        load_config(LEAST + f"banner: {banner}\n")
