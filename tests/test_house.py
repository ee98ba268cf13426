"""Rules of the house that no linter of ours asks: documented interfaces, short functions, short files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.settings import ROOT

PACKAGES = ("smear", "confined", "portal", "worker", "training", "embedded")
TESTS = ("tests", "benchmarks")
DOCUMENTED = 0.8
LINES_OF_A_FUNCTION = 60
LINES_OF_A_FILE = 400

Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def sources(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and "node_modules" not in path.parts
    )


def public(node: ast.Module | ast.ClassDef) -> Iterator[Named]:
    """Classes and functions that others use, with their own; what Django reads from a ``Meta`` is none."""
    for child in node.body:
        if isinstance(child, Named) and not child.name.startswith("_") and child.name != "Meta":
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public(child)


def undocumented(path: Path) -> tuple[int, list[str]]:
    """How many public names a file has, and those without a docstring; an empty file has none."""
    tree = ast.parse(path.read_text())
    if not tree.body:
        return 0, []
    names: list[ast.Module | Named] = [tree, *public(tree)]
    where = path.relative_to(ROOT)
    bare = [f"{where}: {getattr(one, 'name', 'the module')}" for one in names if not ast.get_docstring(one)]
    return len(names), bare


@pytest.mark.parametrize("folder", [*PACKAGES, "portal/api"])
def test_public_names_have_docstrings(folder: str) -> None:
    counts = [undocumented(path) for path in sources(folder)]
    asked, bare = sum(count for count, _ in counts), [name for _, names in counts for name in names]
    assert asked
    assert 1 - len(bare) / asked >= DOCUMENTED, "\n".join(bare)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From its first line to its last."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def test_no_function_needs_a_scroll() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {node.name} has {lines_of(node)} lines"
        for path in sources(*PACKAGES, *TESTS, "deploy")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > LINES_OF_A_FUNCTION
    ]
    assert found == []


def test_no_file_is_too_long() -> None:
    scripts = [path for kind in ("js", "scss") for path in (ROOT / "frontend").rglob(f"*.{kind}")]
    templates = list((ROOT / "portal").rglob("*.html"))
    found = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in [*sources(*PACKAGES, *TESTS, "deploy"), *scripts, *templates]
        if (lines := len(path.read_text().splitlines())) > LINES_OF_A_FILE
    ]
    assert found == []


def imported(path: Path) -> Iterator[str]:
    """The modules that a file names in its imports, wherever they stand in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


#: The one test that asks a benchmark whether it measures what is served.
TESTS_A_BENCHMARK = "tests/worker/test_int8.py"


def test_what_tests_share_is_in_helpers_and_conftest() -> None:
    """No test builds its data from a benchmark, or takes a fixture or a function from another test's file."""
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("tests")
        for name in imported(path)
        if any(part == "conftest" or part.startswith("test_") for part in name.split(".")[1:-1])
        or (name.split(".")[0] == "benchmarks" and path != ROOT / TESTS_A_BENCHMARK)
    ]
    assert found == []
