"""Files that ship are found beside the installed package's modules, else where people edit them."""

import pytest

from proxy import package_files
from proxy.package_files import bundled
from tests.shared import ROOT


@pytest.mark.parametrize(
    ("name", "edited"),
    [("rules.yaml", "rules.yaml"), ("local.yaml", "config/local.yaml"), ("rules.schema.json", "config/rules.schema.json")],
)  # fmt: skip
def test_in_a_checkout_it_is_the_file_that_people_edit(name, edited):
    assert bundled(name) == ROOT / edited
    assert bundled(name).is_file()


def test_an_installed_copy_goes_before_what_lies_beside_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(package_files, "_PACKAGE", tmp_path / "proxy")
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "rules.yaml").touch()
    (tmp_path / "rules.yaml").touch()

    assert bundled("rules.yaml") == tmp_path / "proxy" / "rules.yaml"
    assert bundled("local.yaml") == tmp_path / "config" / "local.yaml"


def test_what_does_not_ship_has_no_path():
    with pytest.raises(KeyError):
        bundled("callkom.yaml")


def test_the_wheel_takes_in_the_same_files():
    packed = (ROOT / "pyproject.toml").read_text()

    for name, edited in package_files._IN_CHECKOUT.items():
        assert f'"{edited}" = "proxy/{name}"' in packed
