"""Faults of a file system: which errors of the operating system they are, and words for each."""

import errno
import os
import re
import traceback

MAX_SENTENCE_CHARACTERS = 480  # the reason of a hold has 500
ENDING = "Nothing new starts until this is fixed."
# Errors that are the file system's, or the machine's, whatever raised them.
FAULT_WORDS = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "is full: its quota is used up",
    errno.EROFS: "is read-only",
    errno.EIO: "has an input/output error: its disk may be failing or unplugged",
    errno.ESTALE: "is no longer mounted as it was (stale file handle)",
    errno.ENOTCONN: "is no longer connected",
    errno.ENODEV: "is no longer there (no such device)",
    errno.ENXIO: "is no longer there (no such device)",
    errno.ETIMEDOUT: "does not answer in time",
    errno.EHOSTDOWN: "does not answer: its server is down",
    errno.EHOSTUNREACH: "does not answer: its server cannot be reached",
    errno.EMFILE: "cannot be used: this machine allows no more open files",
    errno.ENFILE: "cannot be used: this machine allows no more open files",
    errno.ENOLCK: "cannot be used: it has no locks left, or does not know them",
} | {
    number: words
    for name, words in {
        "ENOMEDIUM": "is no longer there (no medium)",
        "EMEDIUMTYPE": "is no longer there (wrong medium)",
        "EREMOTEIO": "has an input/output error at its server",
        "EUCLEAN": "is damaged: its file system needs a repair",
    }.items()
    if (number := getattr(errno, name, None)) is not None
}
# Errors that may as well be a mistake in a program: a look at the folders decides.
FOLDER_WORDS = {
    errno.EACCES: "cannot be written to: permission is missing",
    errno.EPERM: "cannot be written to: permission is missing",
    errno.ENOENT: "is missing",
    errno.ENOTDIR: "is missing: something else has its name",
    errno.EEXIST: "is missing: something else has its name",
}
NETWORK_ERRNOS = frozenset({errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN})
NETWORK_MODULES = re.compile(r"[/\\](?:socket|ssl|http[/\\]\w+|urllib[/\\]\w+|urllib3[/\\].+|requests[/\\]\w+)\.py$")
ERRNO_PATTERN = re.compile(r"\[Errno (\d+)\]")
# What programs such as ffmpeg say, which give no number.
FAULT_TEXTS = {
    re.escape(os.strerror(number).lower()): number
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EMFILE)
}


class StorageError(OSError):
    """A folder of the archive cannot be used; the message is a sentence for people."""


def is_storage_fault(error: BaseException) -> bool:
    """Return True for an error that is surely the file system's or the machine's: other files would meet it too."""
    if isinstance(error, StorageError):
        return True
    if not isinstance(error, OSError) or isinstance(error, ConnectionError) or error.errno not in FAULT_WORDS:
        return False
    return error.errno not in NETWORK_ERRNOS or not _is_of_network(error)


def _is_of_network(error: BaseException) -> bool:
    frames = traceback.walk_tb(error.__traceback__)
    return any(NETWORK_MODULES.search(frame.f_code.co_filename) for frame, _ in frames)


def find_errno(text: str, *, is_write: bool) -> int | None:
    """Return the number of the file system's error that a message of another program names; None if it names none.

    Numbers that sockets have too count for a message about writing only.
    """
    numbers = [int(number) for number in ERRNO_PATTERN.findall(text)]
    numbers += [errno.EFBIG] if "file too large" in text.lower() else []
    numbers += [number for words, number in FAULT_TEXTS.items() if re.search(words, text.lower())]
    allowed = {*FAULT_WORDS, *FOLDER_WORDS} if is_write else FAULT_WORDS.keys() - NETWORK_ERRNOS
    return next((number for number in numbers if number in allowed or number == errno.EFBIG), None)


def describe_os_error(error: OSError, folder: str) -> str:
    """Return a sentence about a folder that cannot be used, such as "The media folder is read-only. Nothing …"."""
    if isinstance(error, StorageError):
        return str(error)
    words = (FAULT_WORDS | FOLDER_WORDS).get(error.errno or 0)
    words = words or f"cannot be used ({error.strerror or type(error).__name__})"
    return build_sentence(folder, words)


def build_sentence(folder: str, words: str) -> str:
    """Return "The <folder> <words>. Nothing new starts until this is fixed.", of a length that a hold takes."""
    sentence = words if words.endswith("?") else f"{words}."
    return f"The {folder} {sentence} {ENDING}"[:MAX_SENTENCE_CHARACTERS]
