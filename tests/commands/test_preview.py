"""`preview` shows what visitors will see of a rules file, without a site."""

import contextlib
import http.client
import subprocess
import sys

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.commands.preview import page, samples
from proxy.policy.load import load_policy
from tests.patience import until
from tests.policy.rules import HEAD
from tests.ports import free_port
from tests.shared import ROOT

RULES = f"{HEAD}  social: {{ basis: consent }}\nuse: [youtube, calendly]\n"


def test_what_is_replaced_is_taken_from_the_tests_of_the_rules():
    policy = load_policy(RULES, catalogue=shipped_catalogue())

    assert set(samples(policy)) == {"youtube", "calendly"}
    assert '<iframe src="https://www.youtube.com/embed/x">' in page(policy, "fr", ["en", "fr"])
    assert '<html lang="fr" dir="ltr">' in page(policy, "fr", ["en", "fr"])


def test_rules_that_replace_nothing_say_so():
    policy = load_policy(HEAD + "use: [plausible]\n", catalogue=shipped_catalogue())

    assert "No test of these rules has markup that is replaced" in page(policy, "en", ["en"])


def ask(port, path):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers={"Host": "preview.localhost", "Accept": "text/html"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def answers(port, path):
    try:
        return ask(port, path)[0] == 200
    except OSError:
        return False


@pytest.mark.parametrize("language", ["en", "fr"])
def test_banner_placeholders_panel_and_cookie_table_are_there(tmp_path, language):
    rules, port = tmp_path / "rules.yaml", free_port()
    rules.write_text(RULES)
    command = [sys.executable, "-m", "proxy", "preview", str(rules), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            until(lambda: answers(port, f"/{language}/"))
            shown, panel, table = (
                ask(port, path)[1] for path in (f"/{language}/", "/.consent/", "/.consent/policy")
            )
        finally:
            running.terminate()

    assert {"en": "Refuse all", "fr": "Tout refuser"}[language] in shown
    assert ' src="https://www.youtube.com/embed/x"' not in shown
    assert shown.count("YouTube") >= 2
    assert "VISITOR_INFO1_LIVE" in table
    assert "YouTube" in panel
