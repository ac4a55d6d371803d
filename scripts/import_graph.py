#!/usr/bin/env python3
"""Prints the graph of modules of each crate in the workspace, and its circles. Exits with 1 if there is a circle.

A module depends on another if its code names an item of that module, through whatever re-export. A module and the
modules below it are one unit to those outside of it, so the graph is drawn among the modules of one parent: an edge
`a -> b` below `crate` says that something in `a` or below it names something in `b` or below it. What a module and
its own parent share is not an edge. Tests are not counted.

Usage: scripts/import_graph.py [--circles] [directory of the repository]
"""

import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from code_lines import test_files, without_comments, without_tests  # noqa: E402

USE = re.compile(r"\buse\s+([^;]+);")
PATH = re.compile(r"(?<![\w:])((?:[A-Za-z_]\w*::)+(?:[A-Za-z_]\w*))")
MODULE = re.compile(r"\bmod\s+(\w+)\s*;")


def imports(tree):
    """The paths and local names of one `use`: `a::{b, c as d}` gives (a::b, b) and (a::c, d)."""
    tree = " ".join(tree.split())
    depth, start, parts = 0, 0, []
    for at, character in enumerate(tree):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(tree[start:at])
            start = at + 1
    parts.append(tree[start:])
    for part in filter(None, map(str.strip, parts)):
        if "{" in part:
            head, inside = part.split("{", 1)
            for path, name in imports(inside.rsplit("}", 1)[0]):
                path = head.strip() + path
                yield path.removesuffix("::self"), head.rstrip(": ").split("::")[-1] if path.endswith("::self") else name
        else:
            path, _, name = (word.strip() for word in part.partition(" as "))
            yield path, name or path.split("::")[-1]


class Crate:
    def __init__(self, source):
        self.code = {}
        root = next(path for path in (source / "lib.rs", source / "main.rs") if path.exists())
        tests = set()
        pending = [((), root)]
        while pending:
            name, path = pending.pop()
            text = without_comments(path.read_text())
            tests.update(test_files(path, text))
            if path in tests:
                continue
            self.code[name] = without_tests(text)
            directory = path.parent if path.name in ("lib.rs", "main.rs", "mod.rs") else path.with_suffix("")
            for child in MODULE.findall(self.code[name]):
                pending.append((name + (child,), directory / f"{child}.rs"))
        self.local = {
            name: {local: path for use in USE.findall(code) for path, local in imports(use)}
            for name, code in self.code.items()
        }

    def resolve(self, module, path, seen=()):
        """The module that defines what `path` names in `module`, or None if that is not of this crate."""
        if (module, tuple(path)) in seen:
            return None
        seen = (*seen, (module, tuple(path)))
        first, rest = path[0], path[1:]
        if first == "crate":
            at = ()
        elif first == "self":
            at = module
        elif first == "super":
            at = module[:-1]
        elif module + (first,) in self.code:
            at = module + (first,)
        elif first in self.local[module] and self.local[module][first].split("::") != path:
            return self.resolve(module, self.local[module][first].split("::") + rest, seen)
        else:
            # An item of the module itself, of another crate, or of the prelude.
            return module if len(seen) > 1 and not rest else None
        while rest and rest[0] == "super":
            at, rest = at[:-1], rest[1:]
        while rest and at + (rest[0],) in self.code:
            at, rest = at + (rest[0],), rest[1:]
        if rest and rest[0] in self.local[at]:
            found = self.resolve(at, self.local[at][rest[0]].split("::") + rest[1:], seen)
            return found or at
        return at

    def edges(self):
        for module, code in self.code.items():
            paths = {path for path in self.local[module].values()}
            paths.update(PATH.findall(USE.sub("", code)))
            for path in paths:
                target = self.resolve(module, path.split("::"))
                if target is not None:
                    yield module, target


def siblings(edges):
    """The edges among the children of each module, with one example of each."""
    graph = collections.defaultdict(lambda: collections.defaultdict(dict))
    for origin, target in edges:
        shared = 0
        while shared < min(len(origin), len(target)) and origin[shared] == target[shared]:
            shared += 1
        if shared < min(len(origin), len(target)):
            graph[origin[:shared]][origin[shared]].setdefault(target[shared], (origin, target))
    return graph


def circles(graph):
    """Sets of more than one module that all reach each other."""

    def reached(start):
        seen, pending = set(), [start]
        while pending:
            for target in graph.get(pending.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        return seen

    reach = {node: reached(node) for node in list(graph)}
    found = {frozenset(other for other in reach[node] if node in reach.get(other, ())) for node in reach}
    return [circle for circle in found if len(circle) > 1]


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--circles"]
    only_circles = len(arguments) < len(sys.argv) - 1
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    count = 0
    for source in [root / "src", *sorted(root.glob("crates/*/src"))]:
        crate = source.parent.relative_to(root).as_posix()
        for parent, graph in sorted(siblings(Crate(source).edges()).items()):
            name = "::".join(("crate", *parent))
            if not only_circles:
                print(f"\n{crate}: {name}")
                for origin in sorted(graph):
                    print(f"  {origin} -> {', '.join(sorted(graph[origin]))}")
            for circle in circles(graph):
                count += 1
                print(f"CIRCLE in {crate}: {name}: {', '.join(sorted(circle))}")
                for origin in sorted(circle):
                    for target, (by, named) in graph[origin].items():
                        if target in circle:
                            print(f"    {'::'.join(by)} names {'::'.join(named)}")
    print(f"{count} circles")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
