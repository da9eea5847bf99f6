"""Rule that one module decides who may do what, read from the source code and the templates."""

import ast
import re
from collections.abc import Iterator

from django.conf import settings

from downloads.accounts.permissions import Permission
from downloads.tests.support.cases import each_case
from downloads.tests.support.source_modules import find_modules

# Where Django asks whether somebody may do something; all else asks accounts.permissions.
USER_ATTRIBUTES = {
    "is_authenticated",
    "is_anonymous",
    "is_staff",
    "is_superuser",
    "has_perm",
    "has_perms",
    "has_module_perms",
    "get_all_permissions",
    "get_group_permissions",
}
DECORATORS = {"login_required", "permission_required", "user_passes_test", "staff_member_required", "PermissionDenied"}
ALLOWED = {
    "downloads.accounts.permissions": USER_ATTRIBUTES | DECORATORS,
    # Compares two accounts; that of the person who asks goes through accounts.permissions.
    "downloads.accounts.user_admin": {"is_superuser"},
    # These name people and their roles in the audit log.
    "downloads.accounts.audited_admin": {"is_staff", "is_superuser"},
    "downloads.models.audit.actor": {"is_authenticated"},
}
USER_IN_TEMPLATE = re.compile(r"\b(?:request\.)?user\.(?:is_|has_|groups|user_permissions|get_)\w*|\bperms\.[\w.]+")
CAN_IN_TEMPLATE = re.compile(r"\bcan\.(\w+)")
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def find_checks(source: str) -> Iterator[str]:
    """Yield the names with which code asks Django who may do something."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in USER_ATTRIBUTES:
            yield node.attr
        if isinstance(node, ast.Name) and node.id in DECORATORS:
            yield node.id
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            yield from (
                arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value in USER_ATTRIBUTES
            )


def test_no_other_module_asks_who_may_do_what():
    checks_by_module = {
        module: checks - ALLOWED.get(module, set())
        for module, path in find_modules().items()
        if (checks := set(find_checks(path.read_text())))
    }

    assert {module: checks for module, checks in checks_by_module.items() if checks} == {}


def test_the_rules_of_one_module_are_known():
    """The names above must be the ones that the module uses."""
    path = find_modules()["downloads.accounts.permissions"]

    assert {"is_authenticated", "is_staff", "has_perm", "is_superuser"} <= set(find_checks(path.read_text()))


@each_case("path", TEMPLATES)
def test_templates_ask_by_can(path):
    text = path.read_text()

    assert set(USER_IN_TEMPLATE.findall(text)) == set()
    assert {word.upper() for word in CAN_IN_TEMPLATE.findall(text)} <= set(Permission.__members__)
