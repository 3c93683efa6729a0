"""What was read is handed over as it is, and whoever is handed it needs nothing that only reading needs."""

import pickle
import subprocess
import sys
from pathlib import Path

from proxy.banner.word_files import load_languages
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.loaded_files import LoadedFiles, files_named
from tests.shared import ROOT
from tests.support.proxying import RULES, config_text

LOADED = LoadedFiles(
    load_config(config_text("http://127.0.0.1:1")),
    Policies.given(load_policy(RULES)),
    load_languages(),
    "a test fails",
)


def test_another_process_is_handed_all_of_it():
    arrived = pickle.loads(pickle.dumps(LOADED))

    assert arrived.config == LOADED.config
    assert (arrived.policies.digests, arrived.doubt) == (LOADED.policies.digests, "a test fails")
    assert arrived.languages["fr"].plain("buttons.accept") == "Tout accepter"


def test_its_parts_come_in_one_order():
    assert LoadedFiles._fields == ("config", "policies", "languages", "doubt")


def test_who_is_handed_it_reads_neither_yaml_nor_words():
    code = (
        "import sys, proxy.process.loaded_files;"
        "print([name for name in ('yaml', 'babel', 'pydantic') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"


def test_what_a_config_names_is_listed_with_its_folder():
    more = (
        "  - { hosts: example.fr, upstream: 'http://127.0.0.1:1', rules: fr.yaml }\n"
        "languages: words\ntls: { certificate: c.pem, key: k.pem }"
    )
    config = load_config(config_text("http://127.0.0.1:1", more=more), folder=Path("/etc/proxy"))

    named = files_named(config, Path("/srv/rules.yaml"))
    assert [str(path) for path in named] == [
        f"/etc/proxy/{name}" for name in ("words", "c.pem", "k.pem", "fr.yaml")
    ]
