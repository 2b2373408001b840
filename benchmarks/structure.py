"""How a checkout of the package is built, in numbers: size, subpackages, layers, cycles, imports.

python benchmarks/structure.py                 of this checkout
python benchmarks/structure.py PATH [PATH ...] of others, to compare with

Lines of code leave out blank lines, comments and docstrings. Imports are counted wherever they are, for
type checkers and inside functions too; one crosses folders where a module imports another folder's.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = "curriculum"
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
Graph = Mapping[str, set[str]]


def main() -> None:
    """Print the numbers of each checkout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("roots", nargs="*", type=Path, default=[here], metavar="PATH")
    for root in parser.parse_args().roots:
        print(f"{root}:")
        for name, value in measured(root).items():
            print(f"  {name:<44} {value}")


def measured(root: Path) -> dict[str, str]:
    """By name, each number in words."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    modules = {module_name(root, path): path for path in files}
    imports = {name: set(imported(path, modules)) for name, path in modules.items()}
    lengths = {path: path.read_text().count("\n") for path in files}
    longest = max(lengths, key=lambda path: lengths[path])
    longest_function = max(each for path in files for each in function_lengths(path))
    subpackages: dict[str, set[str]] = {}
    for name, others in imports.items():
        found = subpackages.setdefault(subpackage(name), set())
        found |= {subpackage(other) for other in others} - {subpackage(name), ""}
    subpackages.pop("", None)  # the package itself hands names on
    crossing = sum(
        folder(modules, name) != folder(modules, other)
        for name, path in modules.items()
        for other in statements(path, modules)
    )
    return {
        "files": f"{len(files)}",
        "lines of code": f"{sum(map(code_lines, files)):,}",
        "lines of code in tables of names (.pyi)": f"{sum(map(code_lines, stubs(root))):,}",
        "longest file": f"{lengths[longest]} lines ({longest.name})",
        "longest function": f"{longest_function[0]} lines ({longest_function[1]})",
        "modules loose at the top": f"{len(list((root / PACKAGE).glob('*.py')))}",
        "subpackages and loose modules": f"{len(subpackages)}",
        "layers": f"{layers(subpackages)}",
        "import cycles": f"{len(cycles(imports))}",
        "imports that cross folders": f"{crossing}",
    }


def stubs(root: Path) -> list[Path]:
    """The files that list the names of subpackages."""
    return sorted((root / PACKAGE).rglob("*.pyi"))


def module_name(root: Path, path: Path) -> str:
    """Such as `curriculum.plan.stage`."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def subpackage(name: str) -> str:
    """The folder, or the loose module, that a module is in; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def folder(modules: Mapping[str, Path], name: str) -> Path:
    """The folder that a module is in."""
    return modules[name].parent


def statements(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The module of each import of the package's, once for a statement; subpackages each for itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name for name in whole if name in modules]
            yield from found or [name for name in [node.module] if name in modules]


def imported(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules that a module imports names of, through a table of public names if need be."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in modules:
                    yield whole
                elif node.module in modules:
                    yield homes(modules[node.module]).get(alias.name, node.module)


@cache
def homes(path: Path) -> dict[str, str]:
    """Of a subpackage with such a table, the module that each of its names is in."""
    table = path.with_suffix(".pyi")
    if path.name != "__init__.py" or not table.exists():
        return {}
    root = next(parent for parent in path.parents if parent.name == PACKAGE).parent
    prefix = module_name(root, path)
    return {
        alias.name: f"{prefix}.{node.module}"
        for node in ast.walk(ast.parse(table.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def code_lines(path: Path) -> int:
    """How many lines hold code."""
    text = path.read_text()
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            documented |= set(range(value.lineno, (value.end_lineno or 0) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documented)


def function_lengths(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of each function's body, docstring and comments included, and its name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or 0) - node.body[0].lineno + 1, f"{path.stem}.{node.name}"


def cycles(graph: Graph) -> list[set[str]]:
    """The groups of nodes that reach each other."""
    reach = {name: reachable(graph, name) for name in graph}
    groups = {
        frozenset(other for other in reach[name] if name in reach.get(other, ()))
        for name in graph
        if name in reach[name]
    }
    return [set(group) for group in groups if len(group) > 1]


def reachable(graph: Graph, start: str) -> set[str]:
    """All nodes that can be reached from one."""
    found: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return found


def layers(graph: Graph) -> int:
    """The nodes of the longest way down; those of a cycle count as one."""
    member = {name: frozenset(group) for group in cycles(graph) for name in group}
    key = {name: member.get(name, frozenset({name})) for name in graph}

    @cache
    def height(group: frozenset[str]) -> int:
        below = {key[other] for name in group for other in graph[name] if other in key} - {group}
        return 1 + max(map(height, below), default=0)

    return max(map(height, key.values()))


if __name__ == "__main__":
    main()
