"""No files import each other in a circle: each can be read, tested and moved after those that it needs."""

import grimp
import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

PACKAGES = ("smear", "confined", "portal", "worker", "training", "embedded")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=False, cache_dir=None)


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """The groups of modules that can reach each other by imports."""
    modules = sorted(graph.modules)
    number = {module: place for place, module in enumerate(modules)}
    pairs = [
        (number[module], number[imported])
        for module in modules
        for imported in graph.find_modules_directly_imported_by(module)
    ]
    rows, columns = np.array(pairs).T
    matrix = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(modules),) * 2)
    _, component = connected_components(matrix, directed=True, connection="strong")
    members = [np.flatnonzero(component == one) for one in np.flatnonzero(np.bincount(component) > 1)]
    return [[modules[place] for place in places] for places in members]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_files_import_each_other_in_a_circle(graph: grimp.ImportGraph, package: str) -> None:
    found = [group for group in circles(graph) if any(one.split(".")[0] == package for one in group)]
    assert not found, "\n".join(
        f"These files import each other in a circle: {', '.join(group)}. "
        "Move what both sides need into a file that imports neither."
        for group in found
    )


def test_a_circle_is_found() -> None:
    made = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")):
        made.add_import(importer=importer, imported=imported)
    assert circles(made) == [["a", "b", "c"]]
