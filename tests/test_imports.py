"""The direction of imports: which room may look at which."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("streams", "video", "speech", "memory", "llm", "gateway")
FLOOR = {
    "types",
    "errors",
    "clock",
    "config",
    "log",
    "conversation",
    "item_list",
    "item_rules",
    "events",
    "identifier",
    "initiative",
    "request_phrase",
    "standing_request",
    "unasked",
    "outcome",
    "responses",
    "session",
    "pipeline",
    "whole_file",
    "models",
}
MAY_IMPORT = {
    "floor": {"floor"},
    "video": {"floor", "video"},
    "speech": {"floor", "speech"},
    "memory": {"floor", "memory"},
    "llm": {"floor", "memory", "llm"},
    "gateway": {"floor", "video", "speech", "memory", "llm", "gateway"},
    "door": {"floor", "video", "speech", "memory", "llm", "gateway", "door"},
}
ENTRY_BY_NAME = {
    "streams/cli.py",
    "streams/commands/bench.py",
    "streams/models/installer.py",
    "streams/talk/parts.py",
}
"""Files that import a module by its name, so that what is not asked for is not loaded."""


def room_of(module: str) -> str:
    """The room of a dotted module name of the project."""
    top, _, rest = module.partition(".")
    if top != "streams":
        return top
    return "floor" if rest == "" or rest.partition(".")[0] in FLOOR else "door"


def sources():
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imported(tree: ast.AST) -> list[str]:
    """Modules imported anywhere in a file, inside functions and under TYPE_CHECKING included."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path):
    room = room_of(module_of(path))
    tree = ast.parse(path.read_text("utf-8"))
    for name in imported(tree):
        if name.partition(".")[0] in ROOMS:
            assert room_of(name) in MAY_IMPORT[room], f"{path.name} ({room}) imports {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_imported_inside_a_function(path):
    tree = ast.parse(path.read_text("utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not inside, f"{path.name}:{inside[0].lineno} imports inside a function"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_importing_by_name_is_left_to_the_entries(path):
    relative = str(path.relative_to(ROOT))
    uses = "importlib" in {name.partition(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
    by_name = uses and "import_module" in path.read_text("utf-8")
    assert by_name == (relative in ENTRY_BY_NAME)


def module_edges() -> dict[str, set[str]]:
    """The project's modules that each imports."""
    graph = {module_of(path): path for path in sources()}
    return {
        name: {
            target if target in graph else target.rpartition(".")[0]
            for target in imported(ast.parse(path.read_text("utf-8")))
            if target.partition(".")[0] in ROOMS
        }
        & set(graph)
        for name, path in graph.items()
    }


def check_no_cycle(edges: dict[str, set[str]]) -> None:
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a cycle: {' → '.join((*way, name))}"
        if name not in done:
            for target in edges[name]:
                visit(target, (*way, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_modules_form_no_cycle():
    check_no_cycle(module_edges())


def test_tools_look_at_each_other_in_one_direction():
    """The packages inside ``streams``, each as a whole."""

    def package(module: str) -> str:
        return ".".join(module.split(".")[:2])

    packages = {
        package(name) for name in module_edges() if name.startswith("streams.") and name.count(".") > 1
    }
    edges: dict[str, set[str]] = {each: set() for each in packages}
    for name, targets in module_edges().items():
        if package(name) in packages:
            edges[package(name)] |= {package(target) for target in targets} & packages - {package(name)}
    assert {"streams.bench", "streams.benchmark"} <= packages
    check_no_cycle(edges)


def test_every_source_file_is_small():
    for path in sources():
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= 300, f"{path.relative_to(ROOT)} has {lines} lines"
