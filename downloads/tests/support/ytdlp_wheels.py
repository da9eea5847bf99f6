"""Wheels of other versions of yt-dlp, made of the installed packages; pip finds them in a folder, without a network."""

import ast
import base64
import functools
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

EJS_VERSION = metadata.version("yt-dlp-ejs")
BUNDLED_VERSION = metadata.version("yt-dlp")
NEWER, NEWEST = "2099.1.2", "2099.3.4"
EXTRACTORS = "yt_dlp/extractor/"
LIST_OF_EXTRACTORS = f"{EXTRACTORS}_extractors.py"
MODULE_ENDS = (".py", "/__init__.py")
Files = dict[str, bytes]


@functools.cache
def installed_files(package: str) -> Files:
    """Return the files of an installed package, without compiled code."""
    distribution = metadata.distribution(package.replace("_", "-"))
    names = [str(path) for path in distribution.files or [] if str(path).startswith(f"{package}/")]
    names = [name for name in names if "__pycache__" not in name]
    return {name: Path(str(distribution.locate_file(name))).read_bytes() for name in names}


@functools.cache
def ytdlp_files() -> Files:
    """Return yt-dlp with few sites: of its thousand extractors YouTube, the generic one, and what others import.

    An update compiles all modules that there are, which takes 8 s.
    """
    files = installed_files("yt_dlp")
    left_out = {f"{EXTRACTORS}lazy_extractors.py", LIST_OF_EXTRACTORS}
    kept: set[str] = set()
    pending = [name for name in files if name.startswith(f"{EXTRACTORS}youtube/") or not name.startswith(EXTRACTORS)]
    pending += [f"{EXTRACTORS}{name}.py" for name in ("__init__", "extractors", "generic", "genericembeds")]
    while pending:
        name = pending.pop()
        if name in files and name not in kept | left_out:
            kept.add(name)
            pending += _imported_extractors(name, files[name]) if name.endswith(".py") else []
    imports = [
        node
        for node in ast.parse(files[LIST_OF_EXTRACTORS]).body
        if isinstance(node, ast.ImportFrom) and {f"{EXTRACTORS}{node.module}{end}" for end in MODULE_ENDS} & kept
    ]
    listed = "\n".join(map(ast.unparse, imports)).encode()
    return {name: data for name, data in files.items() if name in kept} | {LIST_OF_EXTRACTORS: listed}


def _imported_extractors(name: str, source: bytes) -> Iterator[str]:
    """Yield the files of extractors that one of them imports from its own package, by their names in the wheel."""
    package = name.rpartition("/")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = package.rsplit("/", node.level - 1)[0] if node.level > 1 else package
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            for module in modules:
                path = f"{folder}/{module.replace('.', '/')}"
                if path.startswith(EXTRACTORS):
                    yield from (path + end for end in MODULE_ENDS)


def make_wheel(folder: Path, package: str, version: str, files: Files, requirements: tuple[str, ...] = ()) -> Path:
    """Write a wheel with these files, its metadata and its record."""
    information = f"{package}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {package.replace('_', '-')}", f"Version: {version}"]
    lines += ["Requires-Python: >=3.11", *(f"Requires-Dist: {requirement}" for requirement in requirements)]
    files = files | {
        f"{information}/METADATA": "\n".join([*lines, "", ""]).encode(),
        f"{information}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_hash(data)},{len(data)}\n" for name, data in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, f"{information}/RECORD": f"{record}{information}/RECORD,,\n".encode()}.items():
            archive.writestr(name, data)
    return path


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def make_ytdlp_wheel(
    folder: Path,
    version: str = NEWER,
    changes: Files | None = None,
    ejs_version: str = EJS_VERSION,
    *,
    with_all_sites: bool = False,
) -> Path:
    """Write a wheel of yt-dlp with another version and these changed files."""
    files = dict(installed_files("yt_dlp") if with_all_sites else ytdlp_files())
    text = files["yt_dlp/version.py"].decode()
    files["yt_dlp/version.py"] = re.sub(r"(_pkg_version|__version__) = '.*'", rf"\1 = '{version}'", text).encode()
    requirement = f'yt-dlp-ejs=={ejs_version}; extra == "default"'
    return make_wheel(folder, "yt_dlp", version, files | (changes or {}), (requirement,))


def make_ejs_wheel(folder: Path, version: str = EJS_VERSION) -> Path:
    """Write a wheel of yt-dlp-ejs."""
    return make_wheel(folder, "yt_dlp_ejs", version, installed_files("yt_dlp_ejs"))


def replaced(name: str, old: str, new: str) -> Files:
    """Return a file of yt_dlp with `old` replaced by `new`."""
    text = installed_files("yt_dlp")[name].decode()
    assert old in text, f"{name} has no {old!r}"
    return {name: text.replace(old, new).encode()}


def appended(name: str, code: str) -> Files:
    """Return a file of yt_dlp with code added at its end."""
    return {name: installed_files("yt_dlp")[name] + f"\n{code}\n".encode()}


def pip_environment(folder: Path) -> dict[str, str]:
    """Return the environment in which pip finds the wheels of a folder, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    return env | {"PIP_CONSTRAINT": "", "PIP_EXTRA_INDEX_URL": ""}
