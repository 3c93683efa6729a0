"""The folder of the compiled filter holds what one wheel brought and nothing older."""

import zipfile
from importlib.machinery import EXTENSION_SUFFIXES

from tools.compiled import unpack


def test_a_wheel_is_unpacked_in_place_of_an_earlier_one_and_its_libraries_are_counted(tmp_path):
    wheel, folder = tmp_path / "a.whl", tmp_path / "compiled"
    (folder / "proxy").mkdir(parents=True)
    (folder / "proxy" / "gone.py").touch()
    names = [f"proxy/filter/a{EXTENSION_SUFFIXES[0]}", "proxy/filter/a.py"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in names:
            archive.writestr(name, "")

    assert unpack(wheel, folder) == 1
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == sorted(names)
