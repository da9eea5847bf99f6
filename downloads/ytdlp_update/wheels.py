"""Wheels of yt-dlp and yt-dlp-ejs: checked for their contents, and unpacked without running anything.

Only the package of a wheel is unpacked: neither scripts nor data files, nor metadata, which would hide that of the
bundled version.
"""

import base64
import csv
import dataclasses
import email
import hashlib
import io
import re
import zipfile
from pathlib import Path, PurePosixPath

PACKAGES = ("yt_dlp", "yt_dlp_ejs")
WHEEL_PATTERN = re.compile(rf"({'|'.join(PACKAGES)})-([0-9][0-9A-Za-z.]*)-[0-9A-Za-z.]+-none-any\.whl")
EJS_REQUIREMENT_PATTERN = re.compile(r"yt[-_]dlp[-_]ejs\s*\(?==\s*([0-9]+(?:\.[0-9]+)*)\)?")
MAX_UNPACKED_BYTES = 300_000_000


class WheelRefused(Exception):
    """A wheel has other contents than its package, or is damaged; the message is a sentence."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A checked wheel of one of PACKAGES."""

    path: Path
    package: str
    version: str

    @classmethod
    def open(cls, path: Path, package: str) -> "Wheel":
        """Check the name and the contents of a wheel; raise WheelRefused."""
        match = WHEEL_PATTERN.fullmatch(path.name)
        if match is None or match[1] != package:
            raise WheelRefused(f"The package index sent {path.name}, which is no wheel of {package}.")
        wheel = cls(path, package, match[2])
        try:
            wheel._check_contents()
        except (zipfile.BadZipFile, OSError, KeyError, ValueError, NotImplementedError) as error:
            raise WheelRefused(f"{path.name} is damaged ({error}).") from error
        return wheel

    @property
    def _metadata_folder(self) -> str:
        return f"{self.package}-{self.version}.dist-info"

    def _check_contents(self) -> None:
        """Check each file's place, and its hash in RECORD (PyPA, binary distribution format)."""
        allowed_folders = (self.package, self._metadata_folder, f"{self.package}-{self.version}.data")
        with zipfile.ZipFile(self.path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise WheelRefused(f"{self.path.name} is larger than {MAX_UNPACKED_BYTES // 10**6} MB.")
            for name in archive.namelist():
                path = PurePosixPath(name)
                if "\\" in name or path.is_absolute() or ".." in path.parts or path.parts[0] not in allowed_folders:
                    raise WheelRefused(f"{self.path.name} has a file that does not belong there: {name}")
            self._check_hashes(archive)

    def _check_hashes(self, archive: zipfile.ZipFile) -> None:
        record = archive.read(f"{self._metadata_folder}/RECORD").decode()
        hashes = {row[0]: row[1] for row in csv.reader(io.StringIO(record)) if row}
        for name in self._package_files(archive):
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
            if hashes.get(name) != f"sha256={digest}":
                raise WheelRefused(f"{self.path.name} is damaged: {name} is not the file that its record lists.")

    def _package_files(self, archive: zipfile.ZipFile) -> list[str]:
        return [name for name in archive.namelist() if name.startswith(f"{self.package}/") and not name.endswith("/")]

    def unpack(self, folder: Path) -> None:
        """Write the package to `folder`."""
        with zipfile.ZipFile(self.path) as archive:
            archive.extractall(folder, self._package_files(archive))

    def required_ejs_version(self) -> str:
        """Return the version of yt-dlp-ejs that this wheel of yt-dlp wants; "" if it names none."""
        with zipfile.ZipFile(self.path) as archive:
            metadata = email.message_from_bytes(archive.read(f"{self._metadata_folder}/METADATA"))
        requirements = "\n".join(metadata.get_all("Requires-Dist") or [])
        match = EJS_REQUIREMENT_PATTERN.search(requirements)
        return match[1] if match else ""
