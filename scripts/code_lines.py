#!/usr/bin/env python3
"""Counts the code lines of the library, by crate and top module, and in total.

A code line is a line of src/**/*.rs or crates/*/src/**/*.rs that holds more than white space, comments, imports (`use`) and attributes.
A line with a lone bracket counts. Not counted are:

- tests: every item under #[cfg(test)], and the file of a module that is declared under it
- the command: crates/cli
- the table of published key formats, which is data: crates/redaction/src/secret/table.rs

The second total counts imports and attributes too.

Then lists all .rs files of the repository that are over 500 lines, except for that table.

Usage: scripts/code_lines.py [directory of the repository]
"""

import collections
import pathlib
import re
import sys

DATA = "crates/redaction/src/secret/table.rs"
COMMAND = "crates/cli"
MOST_LINES = 500

# A comment, a string, or a character that could be taken for the beginning of one. A lifetime is none of them.
TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\* )
    | (?P<raw> \bb?c?r(?P<hashes>\#*)" )
    | " (?: \\. | [^"\\] )* "
    | ' (?: \\ (?: u\{ [^}]* \} | x.. | . ) | [^'\\\n] ) '
    """,
    re.VERBOSE | re.DOTALL,
)
# Nested comments are found by counting their ends.
COMMENT_ENDS = re.compile(r"/\*|\*/")
TEST_ATTRIBUTE = re.compile(r"#!?\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
ATTRIBUTE = re.compile(r"#!?\[(?:[^\[\]]|\[[^\]]*\])*\]")
IMPORT = re.compile(r"^\s*(?:pub(?:\([^)]*\))?\s+)?use\s[^;]*;", re.MULTILINE)
TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;")


def blank(text):
    """The same lines with nothing in them."""
    return re.sub(r"\S", " ", text)


def without_comments(text):
    """The text without comments, and with strings that hold nothing a scanner of brackets could take for code."""
    out, at = [], 0
    while found := TOKEN.search(text, at):
        out.append(text[at : found.start()])
        end = found.end()
        if found["raw"]:
            end = text.index('"' + found["hashes"], end) + 1 + len(found["hashes"])
        elif found["comment"] == "/*":
            depth = 1
            while depth:
                bracket = COMMENT_ENDS.search(text, end)
                depth += 1 if bracket.group() == "/*" else -1
                end = bracket.end()
        inside = text[found.start() : end]
        out.append(blank(inside) if found["comment"] else re.sub(r"\S", "x", inside))
        at = end
    return "".join(out) + text[at:]


def item_end(code, at):
    """Where the item, field, variant or statement that begins at `at` ends."""
    depth = 0
    for at in range(at, len(code)):
        character = code[at]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                return at
            # The end of a block, unless it is an attribute's bracket or a list of parameters.
            if depth == 0 and character == "}":
                return at + 1
        elif depth == 0 and character in ";,":
            return at + 1
    return len(code)


def without_tests(code):
    while found := TEST_ATTRIBUTE.search(code):
        end = len(code) if found.group().startswith("#!") else item_end(code, found.end())
        code = code[: found.start()] + blank(code[found.start() : end]) + code[end:]
    return code


def without(pattern, code):
    return pattern.sub(lambda found: blank(found.group()), code)


def count(code):
    return sum(1 for line in code.splitlines() if line.strip())


def test_files(path, code):
    """The files of the modules that are declared for tests only."""
    directory = path.parent if path.name in ("lib.rs", "main.rs", "mod.rs") else path.with_suffix("")
    for name in TEST_MODULE.findall(code):
        yield directory / f"{name}.rs"
        yield from (directory / name).rglob("*.rs")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    crates = [root, *(path for path in sorted(root.glob("crates/*")) if path != root / COMMAND)]
    paths = {path: crate for crate in crates for path in sorted((crate / "src").rglob("*.rs"))}
    sources = {path: without_comments(path.read_text()) for path in paths}
    tests = {test for path, code in sources.items() for test in test_files(path, code)}
    lines, with_imports = collections.Counter(), 0
    for path, code in sources.items():
        name = path.relative_to(root).as_posix()
        if path in tests or name == DATA:
            continue
        crate = paths[path]
        module = path.relative_to(crate / "src").parts[0].removesuffix(".rs")
        if crate != root:
            module = f"{crate.name}/{module}"
        code = without_tests(code)
        with_imports += count(code)
        lines[module] += count(without(IMPORT, without(ATTRIBUTE, code)))
    for module, code_lines in sorted(lines.items()):
        print(f"{code_lines:7}  {module}")
    print(f"{lines.total():7}  total")
    print(f"{with_imports:7}  total with imports and attributes")

    print(f"\nover {MOST_LINES} lines:")
    for path in sorted(root.rglob("*.rs")):
        name = path.relative_to(root).as_posix()
        length = len(path.read_text().splitlines())
        if length > MOST_LINES and name != DATA and not name.startswith("target/"):
            print(f"{length:7}  {name}")


if __name__ == "__main__":
    main()
