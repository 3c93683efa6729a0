"""Every task of docs/cookbook.md does what it says."""

import re

import pytest

from proxy.banner.missing_words import word_problems
from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.inline_tests import run_examples, untested
from proxy.policy.lint import lint, unfounded
from proxy.policy.load import load_policy
from tests.policy.rules import HEAD
from tests.shared import ROOT

TEXT = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
TASKS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ALONE, STANDARD = HEAD.split("purposes:\n")


def blocks(task):
    found = BLOCK.findall(TASKS[task])
    return [one for one in found if not one.startswith("# ")], [one for one in found if one.startswith("# ")]


def policy(task):
    (rules,) = blocks(task)[0]
    head = ALONE if rules.startswith("purposes:") else ALONE + "purposes:\n" + STANDARD
    return load_policy(head + rules, catalogue=shipped_catalogue())


def test_there_are_fifteen_everyday_tasks():
    assert len(TASKS) >= 15


@pytest.mark.parametrize("task", TASKS)
def test_a_task_loads_passes_its_tests_and_leaves_nothing_untried(task):
    rules = policy(task)
    parts = ("is used by no rule", "no provider is described yet")  # a task is no whole file
    found = (*lint(rules), *unfounded(rules))
    doubts = [str(one) for one in found if not any(part in one.text for part in parts)]

    assert rules.examples or task.startswith("Change one")
    assert [str(one) for one in run_examples(rules)] == []
    assert doubts == []
    if "use:" not in blocks(task)[0][0] or "tags:" not in blocks(task)[0][0]:
        assert [str(one) for one in untested(rules)] == []


def test_the_words_of_a_new_purpose_are_complete(tmp_path):
    task = "Add pixels under a new purpose, with its words"
    for block in blocks(task)[1]:
        name = re.match(r"# languages/(\w+\.yaml)", block)[1]
        (tmp_path / name).write_text(block, encoding="utf-8")
    rules = policy(task)

    assert [str(one) for one in word_problems(rules, spoken=frozenset({"en"})) if not one.warning] != []
    assert [str(one) for one in word_problems(rules, tmp_path, frozenset({"en"})) if not one.warning] == []
    assert [
        str(one)
        for one in word_problems(rules, tmp_path)
        if "purpose" in one.text and one.place.file in ("en.yaml", "fr.yaml")
    ] == []
