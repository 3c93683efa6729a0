"""The build hook: with CONSENT_PROXY_COMPILE=1 the wheel carries the filter compiled by mypyc.

The source is the same either way: what Python finds beside a module as a native library it loads in
its place. Without the variable, or in an editable install, nothing is compiled and no compiler needed.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "CONSENT_PROXY_COMPILE"

GROUP = "consent_proxy"
"""Name of the one library that all compiled modules share: `consent_proxy__mypyc`."""

INTERPRETED = frozenset(
    {
        "proxy/filter/cache.py",  # a native subclass of dict that weak references point to crashes as it goes
        # what only commands use, and no worker imports:
        "proxy/filter/changed_outcomes.py",
        "proxy/filter/headers/fence_check.py",
        "proxy/filter/headers/guard_check.py",
        "proxy/filter/inline_tests.py",
        "proxy/filter/syntax/script_writes.py",
        "proxy/filter/tags/fetched_addresses.py",
    }
)
"""Modules of the filter that stay as they are."""

MYPY = """
[mypy]
ignore_missing_imports = True
"""


def compiled_modules(root: Path) -> list[str]:
    """Return the modules that are compiled: the filter, and the look-ups of hosts it asks for each tag."""
    found = sorted(path.relative_to(root).as_posix() for path in (root / "proxy" / "filter").rglob("*.py"))
    modules = [path for path in found if not path.endswith("__init__.py") and path not in INTERPRETED]
    return [*modules, "proxy/policy/hosts.py", "proxy/policy/own_hosts.py"]


def compile_modules(root: Path, folder: Path) -> list[Path]:
    """Compile the modules below `root`; return the libraries, below `folder` as the package has them."""
    from mypyc.build import mypycify  # noqa: PLC0415 - only builds that compile have it
    from setuptools import Distribution  # noqa: PLC0415

    config = folder / "mypy.ini"
    config.write_text(MYPY)
    options = [f"--config-file={config}", f"--cache-dir={folder / 'cache'}"]
    with chdir(root):
        extensions = mypycify(
            [*options, *compiled_modules(root)],
            opt_level="2",
            debug_level="0",
            group_name=GROUP,
            target_dir=str(folder / "c"),
        )
        for extension in extensions:  # calls within the library need no look-up by name
            extension.extra_compile_args = [*extension.extra_compile_args, "-fvisibility=hidden"]
        distribution = Distribution({"name": "consent-proxy", "ext_modules": extensions})
        command: Any = distribution.get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
        command.ensure_finalized()
        command.run()
    return sorted(path for path in (folder / "lib").rglob("*") if path.is_file())


class CompiledFilter(BuildHookInterface[Any]):
    """Adds the compiled modules to the wheel, and names the platform that they are for."""

    PLUGIN_NAME = "custom"

    def _is_wanted(self) -> bool:
        return self.target_name == "wheel" and os.environ.get(SWITCH, "0") not in {"", "0"}

    def dependencies(self) -> list[str]:
        """Return what compiling takes beside a C compiler."""
        return ["mypy>=2.4,<2.5", "setuptools>=77", "pydantic>=2.10,<3", "types-PyYAML"] * self._is_wanted()

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before the files of the wheel are collected."""
        if version == "editable" or not self._is_wanted():
            return
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        for library in compile_modules(Path(self.root), folder):
            build_data["force_include"][str(library)] = library.relative_to(folder / "lib").as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Delete what was compiled: the wheel has it."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()
