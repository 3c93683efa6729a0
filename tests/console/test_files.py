from proxy.console.files import PAGE, SIGN_IN, listed_files


def test_scripts_styles_and_licences_are_served_and_no_code_is(tmp_path):
    (tmp_path / "files").mkdir()
    for name in (
        "files/page.js",
        "page.css",
        "files/LICENSE.txt",
        "app.py",
        "page.html",
        "files/.hidden",
        "x.map",
    ):
        (tmp_path / name).write_text("")
    found = listed_files(tmp_path)

    assert {name: kind.partition(";")[0] for name, (_, kind) in found.items()} == {
        "page.js": "text/javascript",
        "page.css": "text/css",
        "LICENSE.txt": "text/plain",
    }


def test_what_the_pages_name_is_there():
    import re

    named = {
        name
        for page in (PAGE, SIGN_IN)
        for name in re.findall(r'"/console/files/([^"]+)"', page.read_text("utf-8"))
    }

    assert named - listed_files().keys() == set()
