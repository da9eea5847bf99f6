"""Loaded before the settings are (`-p` in pyproject.toml): tests get a data folder of their own."""

import atexit
import os
import shutil
import sys
import tempfile

# Imported before its plugin does it: that late it failed on CPython 3.11 (“AST constructor recursion depth mismatch”).
import hypothesis

for name in list(os.environ):
    if name.startswith(("YTARCHIVE_", "DJANGO_")) and name != "DJANGO_SETTINGS_MODULE":
        del os.environ[name]
for name in ("REDIS_URL", "DATABASE_URL", "TZ"):
    os.environ.pop(name, None)

# Hundreds of processes import the same modules: each module is compiled once.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Set by test_postgres.py, which runs the tests of the verbs on a server of its own.
if url := os.environ.pop("TEST_DATABASE_URL", ""):
    os.environ["DATABASE_URL"] = url

DATA_FOLDER = tempfile.mkdtemp(prefix="yta-")
atexit.register(shutil.rmtree, DATA_FOLDER, ignore_errors=True)
os.environ["YTARCHIVE_DATA"] = DATA_FOLDER
# Waits after a transient error are a second, then four, then sixteen.
os.environ["YTARCHIVE_RETRY_SECONDS"] = "1"
# Tests count requests, and start no more processes than they need; those of the look-ups turn it on.
os.environ["YTARCHIVE_TITLES_AHEAD"] = "0"
# Tests run on small disks too.
os.environ["YTARCHIVE_MIN_FREE_BYTES"] = "1000000"
# Playwright's loop runs in the test's thread (its sync API), where Django would refuse the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
# A loaded machine makes single examples slow; what must be quick is measured by tests marked `alone`.
hypothesis.settings.register_profile("suite", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("suite")
