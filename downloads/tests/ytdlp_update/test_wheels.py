"""Wheels: what is refused, and what is unpacked."""

import zipfile

import pytest

from downloads.tests.support.ytdlp_wheels import make_wheel
from downloads.ytdlp_update.wheels import Wheel, WheelRefused

FILES = {"yt_dlp/__init__.py": b"x = 1\n", "yt_dlp/a/b.py": b""}


@pytest.mark.parametrize("name", [
    "../evil.py", "/etc/evil.py", "yt_dlp/../evil.py", "yt_dlp\\evil.py", "evil.pth", "yt_dlp.pth", "requests/a.py",
    "sitecustomize.py",
    "yt_dlp_plugins/a.py", "yt_dlp-9.dist-info/METADATA", "yt_dlp.py",
])  # fmt: skip
def test_it_refuses_files_elsewhere(tmp_path, name):
    path = make_wheel(tmp_path, "yt_dlp", "2099.1.2", FILES | {name: b"raise SystemExit"})

    with pytest.raises(WheelRefused, match="does not belong there"):
        Wheel.open(path, "yt_dlp")


@pytest.mark.parametrize("name", [
    "yt_dlp-2099.1.2.tar.gz", "yt_dlp_ejs-2099.1.2-py3-none-any.whl", "django-5.0-py3-none-any.whl",
    "yt_dlp-2099.1.2-cp311-cp311-linux_x86_64.whl",
])  # fmt: skip
def test_it_refuses_other_packages_and_compiled_ones(tmp_path, name):
    path = make_wheel(tmp_path, "yt_dlp", "2099.1.2", FILES).rename(tmp_path / name)

    with pytest.raises(WheelRefused, match="no wheel of yt_dlp"):
        Wheel.open(path, "yt_dlp")


def test_it_refuses_a_damaged_wheel(tmp_path):
    path = make_wheel(tmp_path, "yt_dlp", "2099.1.2", FILES)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], content.replace(b"x = 1", b"x = 2"), b""):
        path.write_bytes(damaged)
        with pytest.raises(WheelRefused, match="damaged"):
            Wheel.open(path, "yt_dlp")


def test_it_refuses_a_file_that_its_record_does_not_list(tmp_path):
    path = make_wheel(tmp_path, "yt_dlp", "2099.1.2", FILES)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("yt_dlp/more.py", "raise SystemExit")

    with pytest.raises(WheelRefused, match=r"more\.py is not the file that its record lists"):
        Wheel.open(path, "yt_dlp")


def test_it_unpacks_the_package_only(tmp_path):
    scripts = {"yt_dlp-2099.1.2.data/data/share/doc/README.txt": b"", "yt_dlp-2099.1.2.data/scripts/x": b""}
    path = make_wheel(tmp_path, "yt_dlp", "2099.1.2", FILES | scripts, ("yt-dlp-ejs==0.8.0; extra == 'default'",))

    wheel = Wheel.open(path, "yt_dlp")
    wheel.unpack(tmp_path / "out")

    assert [item.name for item in (tmp_path / "out").iterdir()] == ["yt_dlp"]
    assert (tmp_path / "out" / "yt_dlp" / "__init__.py").read_bytes() == b"x = 1\n"
    assert wheel.required_ejs_version() == "0.8.0"
