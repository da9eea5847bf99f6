"""Settings as the program reads them; each test forks a process, since they are read once."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from downloads.tests.support.cases import each_case
from downloads.tests.support.forked_python import ForkedPython
from ytarchive.env import env_path

SHOW_SETTINGS_PROGRAM = """
import json, sys
from django.conf import settings
names = json.loads(sys.argv[1])
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""

SHOW_ALL_SETTINGS_PROGRAM = """
import json
from django.conf import settings
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: repr(getattr(settings, name)) for name in names if name != "CHANNEL_LAYERS"}))
"""
OPERATING_DOCUMENT = (settings.BASE_DIR / "docs" / "operating.md").read_text()
DOCUMENTED_VARIABLES = set(re.findall(r"^\| `(\w+)` \|", OPERATING_DOCUMENT, re.MULTILINE))


FORKED_PYTHON = ForkedPython()


@pytest.fixture(scope="module", autouse=True)
def forked_python() -> Iterator[None]:
    yield
    FORKED_PYTHON.close()


def build_environment(env: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("YTARCHIVE_", "DJANGO_"))}
    return clean | {"DJANGO_SETTINGS_MODULE": "ytarchive.settings", "YTARCHIVE_DATA": str(settings.DATA)} | env


def run_python(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return FORKED_PYTHON.run(*command, env=build_environment(env))


def start_python(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of its own, for what is decided before anything is loaded."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=build_environment(env),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def read_settings(*names: str, **env: str) -> dict:
    result = run_python("-c", SHOW_SETTINGS_PROGRAM, json.dumps(names), **env)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@each_case(("name", "value", "message"), [
    ("YTARCHIVE_WORKERS", "many", "use a whole number from 1 to 64"),
    ("YTARCHIVE_WORKERS", "0", "use a whole number from 1 to 64"),
    ("YTARCHIVE_TICK_MS", "200.5", "use a whole number from 20 to 5000"),
    ("YTARCHIVE_PRIVATE", "perhaps", "use 1 or 0"),
    ("YTARCHIVE_ALLOW_PRIVATE_HOSTS", "2", "use 1 or 0"),
    ("DJANGO_DEBUG", "da", "use 1 or 0"),
    ("YTARCHIVE_BLOCKED_NETWORKS", "10.0.0.0/8,home", "'home', which is no network; use addresses"),
    ("YTARCHIVE_BLOCKED_NETWORKS", "10.0.0.0/33", "is no network"),
    ("YTARCHIVE_METRICS_TOKEN", "short", "use 16 or more"),
    ("YTARCHIVE_METRICS_TOKEN", "correct horse battery staple", "use 16 or more"),
    ("YTARCHIVE_SUBTITLES", "en,gibberish", "'gibberish' is no language; use codes or names"),
    ("REDIS_URL", "localhost:6379", "use redis://"),
    ("REDIS_URL", "http://localhost", "use redis://"),
    ("REDIS_URL", "redis://[", "use redis://"),
    ("REDIS_URL", "redis://localhost?db=x", "use redis://"),
    ("REDIS_URL", "redis://localhost?colour=blue", "use redis://"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "archive.example", "use a scheme and a host"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://archive.example/", "use a scheme and a host"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://a.example,ftp://b.example", "use a scheme and a host"),
    ("YTARCHIVE_PATH", "//tube/", "such as /tube/"),
    ("YTARCHIVE_PATH", "/my tube/", "such as /tube/"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://a*.example", "use a scheme and a host"),
    ("DJANGO_CSRF_TRUSTED_ORIGINS", "https://*", "use a scheme and a host"),
    ("DJANGO_ALLOWED_HOSTS", "b\u00fccher\u2003.example", "no host name"),
    ("TZ", "Mars/Base", "use one like Europe/Berlin"),
    ("TZ", "europe/berlin", "use one like Europe/Berlin"),
    ("TZ", "Europe/", "use a name such as Europe/Berlin"),
    ("TZ", "Europe", "use one like Europe/Berlin"),
    ("TZ", "../etc/passwd", "use a name such as Europe/Berlin"),
    ("TZ", "/etc/passwd", "use a name such as Europe/Berlin"),
    ("TZ", "CET-1CEST", "use one like Europe/Berlin"),
    ("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", "use a name such as Europe/Berlin"),
    ("TZ", "<+03>-3", "use a name such as Europe/Berlin"),
    ("TZ", "right/Europe/Berlin", "use a name such as Europe/Berlin"),
    ("DATABASE_URL", "mysql://localhost/x", "use postgres://"),
    ("DATABASE_URL", "nonsense", "use postgres://"),
    ("DATABASE_URL", "postgres://host:port/name", "use postgres://"),
])  # fmt: skip
def test_it_refuses_a_bad_value_in_one_line(name: str, value: str, message: str) -> None:
    result = run_python("manage.py", "check", **{name: value})

    lines = result.stderr.strip().splitlines()
    assert result.returncode == 1
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("ytarchive: ")
    assert name in lines[0]
    assert message in lines[0]


@pytest.mark.parametrize(
    ("value", "languages"), [("", ""), ("en,de", "en,de"), ("eng, en_US,English,German", "en,en-US,de")]
)
def test_it_takes_languages_as_codes_or_names(value: str, languages: str) -> None:
    assert read_settings("SUBTITLES", YTARCHIVE_SUBTITLES=value) == {"SUBTITLES": languages}


def test_it_refuses_a_data_folder_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = start_python("manage.py", "check", YTARCHIVE_DATA=str(tmp_path / "file"))

    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "cannot be written to" in result.stderr


def test_it_has_the_defaults_of_the_readme() -> None:
    values = read_settings(
        "DEBUG", "PRIVATE", "WORKERS", "TICK_MS", "ALLOW_PRIVATE_HOSTS", "REDIS_EMBEDDED", "ALLOWED_HOSTS"
    )

    assert values == {
        "DEBUG": False,
        "PRIVATE": False,
        "WORKERS": 2,
        "TICK_MS": 200,
        "ALLOW_PRIVATE_HOSTS": False,
        "REDIS_EMBEDDED": True,
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
    }


@pytest.mark.parametrize("blank", ["", " "])
def test_it_takes_an_empty_value_of_each_setting_for_an_unset_one(blank: str) -> None:
    names = DOCUMENTED_VARIABLES - {"YTARCHIVE_DATA"}  # the tests' own

    defaults = json.loads(run_python("-c", SHOW_ALL_SETTINGS_PROGRAM).stdout)
    values = run_python("-c", SHOW_ALL_SETTINGS_PROGRAM, **dict.fromkeys(names, blank))

    assert values.stderr == ""
    assert json.loads(values.stdout) == defaults
    assert "TIME_ZONE" in defaults


def test_it_gives_a_developer_debug_also_with_an_empty_value() -> None:
    program = "import atexit, os, sys; sys.argv = ['manage.py', 'runserver', '--version']; import manage; "
    program += "atexit.register(lambda: sys.stderr.write(os.environ['DJANGO_DEBUG'])); manage.main()"

    assert run_python("-c", program, DJANGO_DEBUG="").stderr == "1"
    assert run_python("-c", program, DJANGO_DEBUG="0").stderr == "0"


@pytest.mark.parametrize("name", ["DJANGO_SUPERUSER_PASSWORD", "DJANGO_SECRET_KEY", "DJANGO_SUPERUSER_USERNAME"])
def test_it_takes_a_value_as_it_is(name: str) -> None:
    setting = name.removeprefix("DJANGO_")
    value = " $ecret #1 = 'x' "

    assert read_settings(setting, **{name: value}) == {setting: value}


def test_it_takes_hosts_and_origins_as_browsers_send_them() -> None:
    assert read_settings(
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        DJANGO_ALLOWED_HOSTS="B\u00fccher.example,.\u65e5\u672c.Example,[::1],*",
        DJANGO_CSRF_TRUSTED_ORIGINS="https://*.B\u00dcCHER.example:8443,HTTP://Plain.example",
    ) == {
        "ALLOWED_HOSTS": ["xn--bcher-kva.example", ".xn--wgv71a.example", "[::1]", "*"],
        "CSRF_TRUSTED_ORIGINS": ["https://*.xn--bcher-kva.example:8443", "http://plain.example"],
    }


@each_case(("value", "zone"), [
    ("Europe/Berlin", "Europe/Berlin"),
    (":Europe/Berlin", "Europe/Berlin"),
    (" Asia/Kolkata ", "Asia/Kolkata"),
    ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    ("Etc/GMT+5", "Etc/GMT+5"),
    ("UTC", "UTC"),
    ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
    (":/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
])  # fmt: skip
def test_it_takes_the_time_zone_from_tz(value: str, zone: str) -> None:
    assert read_settings("TIME_ZONE", TZ=value) == {"TIME_ZONE": zone}


def test_it_says_that_the_machine_lacks_time_zones() -> None:
    program = "import sys; sys.argv = ['manage.py', 'check']; import manage; manage.main()"

    result = start_python("-c", program, PYTHONTZPATH="", TZ="Europe/Berlin")

    assert result.returncode == 1
    assert result.stderr.strip().splitlines() == [
        "ytarchive: This machine has no time zone data; install the system's package tzdata, or `pip install tzdata`."
    ]


@pytest.mark.parametrize(("env", "private"), [
    ({"DJANGO_ALLOWED_HOSTS": "archive.example"}, True),
    ({"DJANGO_ALLOWED_HOSTS": "archive.example", "YTARCHIVE_PRIVATE": "0"}, False),
    ({"YTARCHIVE_PRIVATE": "yes"}, True),
])  # fmt: skip
def test_it_is_private_once_it_is_meant_for_others(env: dict[str, str], private: bool) -> None:
    assert read_settings("PRIVATE", **env) == {"PRIVATE": private}


def test_it_keeps_cookies_to_https_behind_a_proxy_that_ends_it() -> None:
    values = read_settings(
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        DJANGO_CSRF_TRUSTED_ORIGINS="https://archive.example",
    )

    assert values == {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}


@pytest.mark.parametrize("value", [
    "//tube/", "/tube//", "/a//b/", "//", "///",
    "/..", "/../", "..", "/tube/..", "/tube/../", "/./", "/tube/./",
    "/tube/?a=1", "?", "/tube/#a", "/tube;a/", "/tube,films/", "/@tube/", "/a:b/", "http://localhost/tube/",
    "/my tube/", "/tube\x01/", "/tube\n/", "/a\tb/", "/tube\x7f/", "/tub\u00e9/", "/tube\u200b/",
    "/t%75be/", "/%2e%2e/", "\\tube\\", "/tube\\", "/<id:x>/", "/(tube)/", "/$tube/", "/{a}/", "/'tube'/", "/*/",
])  # fmt: skip
def test_it_refuses_what_is_no_plain_path(monkeypatch, value: str) -> None:
    monkeypatch.setenv("YTARCHIVE_PATH", value)

    with pytest.raises(ImproperlyConfigured, match=r"^YTARCHIVE_PATH is .*; use letters, digits .*/tube/\.$"):
        env_path("YTARCHIVE_PATH")


@pytest.mark.parametrize(("value", "path"), [
    ("", "/"),
    ("/", "/"),
    (" / ", "/"),
    ("tube", "/tube/"),
    ("/tube", "/tube/"),
    ("tube/", "/tube/"),
    ("/tube/", "/tube/"),
    (" /tube/ ", "/tube/"),
    ("/a/b", "/a/b/"),
    ("/My_Tube-1.0~/...a/.b/", "/My_Tube-1.0~/...a/.b/"),
    ("/videos/", "/videos/"),
])  # fmt: skip
def test_it_takes_a_path_with_and_without_its_slashes(monkeypatch, value: str, path: str) -> None:
    monkeypatch.setenv("YTARCHIVE_PATH", value)

    assert env_path("YTARCHIVE_PATH") == path


def test_static_files_and_cookies_are_under_the_path() -> None:
    names = ("URL_PREFIX", "STATIC_URL", "SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH")

    assert read_settings(*names) == {name: "/static/" if name == "STATIC_URL" else "/" for name in names}
    assert read_settings(*names, YTARCHIVE_PATH="tube") == {
        name: "/tube/static/" if name == "STATIC_URL" else "/tube/" for name in names
    }


def test_cookies_under_a_path_have_names_of_their_own() -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")
    values = [read_settings(*names, YTARCHIVE_PATH=path) for path in ("", "/a/", "/a/b/", "/a.b/")]

    # A browser sends a cookie of "/" to all paths below it too, and Django takes the last of two with one name.
    assert len({value for cookies in values for value in cookies.values()}) == 8
    assert read_settings(*names) == read_settings(*names, YTARCHIVE_PATH="/") == values[0]


def test_the_checks_of_a_deployment_know_the_csrf_middleware() -> None:
    result = run_python("manage.py", "check", "--deploy", DJANGO_CSRF_TRUSTED_ORIGINS="https://archive.example")

    assert result.returncode == 0
    assert "security.W004" in result.stderr  # HSTS, which is the proxy's
    assert "W003" not in result.stderr


def test_it_uses_postgresql_when_it_is_told_to() -> None:
    database = read_settings("DATABASES", DATABASE_URL="postgres://user@db/archive")["DATABASES"]["default"]

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["NAME"]) == ("db", "archive")


def test_it_finds_the_data_folder_from_any_folder(tmp_path: Path) -> None:
    assert read_settings("DATA", YTARCHIVE_DATA="~/archive", HOME=str(tmp_path)) == {"DATA": str(tmp_path / "archive")}


def test_it_gives_a_developer_debug_unless_told_otherwise() -> None:
    program = "import sys; sys.argv = ['manage.py', 'runserver', '--help']; import manage; manage.main()"
    probe = program.replace("manage.main()", "import os; os.environ.pop('DJANGO_DEBUG', None); import atexit; "
        "atexit.register(lambda: sys.stderr.write(os.environ['DJANGO_DEBUG'])); manage.main()")  # fmt: skip

    assert run_python("-c", probe).stderr.endswith("1")


def test_it_names_the_python_that_is_too_old() -> None:
    program = "import sys; sys.version_info = (3, 10, 0); import runpy; runpy.run_path('manage.py')"

    result = start_python("-c", program)

    assert result.returncode == 1
    assert "needs Python 3.11 or newer" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_it_says_what_to_do_when_a_package_is_missing() -> None:
    result = start_python("-c", "import sys; sys.modules['django'] = None; import manage; manage.main()")

    assert result.returncode == 1
    assert "pip install -r requirements.txt" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_it_documents_every_variable() -> None:
    text = "".join(
        (settings.BASE_DIR / "ytarchive" / name).read_text() for name in ("settings.py", "header_settings.py")
    )
    read_variables = set(re.findall(r'"((?:YTARCHIVE|DJANGO)_[A-Z_]+|REDIS_URL|DATABASE_URL|TZ)"', text))
    internal = {"YTARCHIVE_RUNSERVER_FD", "YTARCHIVE_HEARTBEAT_FD"}

    assert read_variables - internal == DOCUMENTED_VARIABLES


def test_it_reads_the_environment_in_the_settings_only() -> None:
    modules = [*settings.BASE_DIR.glob("downloads/**/*.py"), *settings.BASE_DIR.glob("ytarchive/**/*.py")]
    reads = re.compile(r'(environ\.get|getenv|environ\[)\(?"(YTARCHIVE|DJANGO|REDIS|DATABASE)_')

    assert not [path.name for path in modules if "tests" not in path.parts and reads.search(path.read_text())]


@pytest.mark.parametrize(("zone", "offset"), [("", "+00:00"), ("Asia/Kolkata", "+05:30"), ("America/St_Johns", "-0")])
def test_log_lines_have_the_offset_of_the_zone(zone: str, offset: str) -> None:
    program = "import django, logging; django.setup(); logging.getLogger('a').warning('b')"

    line = run_python("-c", program, TZ=zone).stderr.strip()

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d WARNING a: b", line)
    assert offset in line


def test_its_processes_get_the_name_of_the_zone() -> None:
    program = (
        "import os, time; from django.conf import settings; settings.TIME_ZONE; print(os.environ['TZ'], time.tzname)"
    )

    assert run_python("-c", program, TZ=":/usr/share/zoneinfo/Asia/Tokyo").stdout == "Asia/Tokyo ('JST', 'JST')\n"
