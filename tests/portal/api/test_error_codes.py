"""docs/api.md names every code that the API can answer with, and none that it cannot."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from rest_framework import exceptions

from portal.config.settings.environment import BASE_DIR

DOCUMENT = BASE_DIR / "docs" / "api.md"
#: Answered to pages alone, by the modules named here.
OF_PAGES = {
    "key_taken": "preferences/shortcuts.py",
    "not_a_key": "preferences/shortcuts.py",
    "no_file": "intake/uploads.py",
    "model_off": "quick_look/services.py",
    "too_many_markers": "annotations/services.py",
    "not_json": "annotations/views.py",
    "expired": "errors.py",
}
#: What the framework itself raises here; the others of its kind are replaced (problems.py) or never raised.
OF_THE_FRAMEWORK = {
    error.default_code
    for error in (
        exceptions.NotAuthenticated,
        exceptions.AuthenticationFailed,
        exceptions.MethodNotAllowed,
        exceptions.UnsupportedMediaType,
        exceptions.Throttled,
        exceptions.ParseError,
    )
}
#: Functions and classes with a code as argument, by its place.
PLACES = {"ImageRejected": 0, "_away": 0, "_beyond_bounds": 0, "problem": 1, "_problem": 1, "_respond": 1}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module that can refuse a request, by its path within its package."""
    for package in ("portal", "smear"):
        root = BASE_DIR / package
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if "migrations" not in path.parts and name not in ("api/schema.py", "api/examples.py"):
                yield name, ast.parse(Path(path).read_text())


def texts(node: ast.AST | None) -> Iterator[str]:
    """The words a value may be: a constant, or either side of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def domain_errors(trees: list[ast.Module]) -> set[str]:
    """The names of DomainError and of every class below it."""
    below: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                below[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    names, more = set[str](), {"DomainError"}
    while more - names:
        names |= more
        more = {name for name, bases in below.items() if bases & names}
    return names


def codes_in(tree: ast.Module, errors: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACES.get(called)
            if place is not None and len(node.args) > place:
                yield from texts(node.args[place])
            if called in errors:
                values = (keyword.value for keyword in node.keywords if keyword.arg == "code")
                yield from (text for value in values for text in texts(value))
        elif isinstance(node, ast.Tuple) and ast.unparse(node).startswith("(HTTPStatus."):
            yield from texts(node.elts[1])
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in ("default_code", "CODE"):
                yield from texts(node.value)


def test_every_code_is_documented_and_none_besides() -> None:
    found: dict[str, set[str]] = {}
    modules = list(sources())
    errors = domain_errors([tree for _name, tree in modules])
    for name, tree in modules:
        for code in codes_in(tree, errors):
            found.setdefault(code, set()).add(name)
    assert {"damaged", "blinded", "pdf_failed", "database_away", "bad_request", "parse_error"} <= found.keys()
    for code, module in OF_PAGES.items():
        assert found.pop(code) == {module}
    rows = re.findall(r"^\| \d{3} \|.*\| ([^|]*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    documented = [code for row in rows for code in re.findall(r"`(\w+)`", row)]
    assert len(documented) == len({*documented})
    assert {*documented} == found.keys() | OF_THE_FRAMEWORK
