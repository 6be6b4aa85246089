"""The verifier as it travels: one file of the standard library alone, joined from the modules of this package."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache

from core.errors import InputError
from core.program.place import ROOT
from core.program.provenance import program_version
from storage.verifier.explained import DECIDING
from storage.verifier.writer_facts import tree_facts

RULE = "# " + "=" * 60
"""Above each part of the file."""

VERIFIER_NAME, CHAIN_NAME = "verify.py", "chain.py"
"""The two files that check a bundle where dempo is not."""

WHOLE = ""
"""Stands among the names that are imported from a module for the module itself."""

HEADER = '''#!/usr/bin/env python3
"""Checks the record of a dempo run with Python (3.9 or newer) and, for signatures, ssh-keygen (OpenSSH).

    python3 -I verify.py [FOLDER | audit.db] [--key FILE] [--head FILE] [--allow CHECK,…] [--require CHECK,…] [--files]
                         [--no-files] [--json]
    python3 -I verify.py --explain CHECK

It writes nothing into the folder. Every check says ok, failed, unchecked (newer than this file, made by a rule since
found wrong, or unreadable), unknown (something it needs is not here) or withheld (left out on purpose, as the bundle
says). Whose the signatures are is unknown without --key, a public
key or an allowed_signers file that came by another way than the record; --head is a head that was kept elsewhere.
Models that are here are read where they take less than 1 GB; --files reads all of them, --no-files none.

Exit status: 0 nothing failed; 4 something failed, or --key, --head or --require asked for what could not be shown;
7 something is unchecked that --allow does not name; 2 there is nothing to check, or an option cannot be used.

This file comes from whoever made the bundle. Compare it with the one of a release that you trust (`dempo
import` does), or take that one.

Below are the parts of dempo {version} that it was joined from, each at the line where it begins. The constants at the
end are the fields of every kind of event, digests of the tables, indexes and triggers of a database, and its views.

{parts}

The checks in their order, and the function that decides each; --explain says more of one.

{checks}
"""
'''

OLD_PYTHON = """import sys

if sys.version_info < (3, 9):
    print("verify.py needs Python 3.9 or newer, and this is Python %d.%d" % sys.version_info[:2], file=sys.stderr)
    sys.exit(2)
"""
"""A sentence where the file can be read and not be run, which is so from Python 3.7."""

EQUAL_LENGTHS = """if sys.version_info < (3, 10):

    def zip(*lists, strict=False, _together=zip):
        \"\"\"Python 3.9's own does not know `strict`.\"\"\"
        lists = [list(one) for one in lists]
        yield from _together(*lists)
        if strict and len(set(map(len, lists))) > 1:
            raise ValueError("zip() was given lists of different lengths")
"""

OWN_FOLDER = """if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # this file's folder holds what a stranger put there; nothing of it is ever run
"""
"""Without it a file `json.py` in a bundle would be run in place of Python's own."""


@cache
def parts() -> tuple[str, ...]:
    """The modules that the file is joined from, each after those that it imports, so that a name is defined above its
    use."""
    found: list[str] = []
    _add_part("storage/verifier/main.py", found)
    return tuple(found)


def _add_part(part: str, found: list[str]) -> None:
    for statement in ast.parse((ROOT / part).read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and _is_own(statement.module or ""):
            needed = f"{(statement.module or '').replace('.', '/')}.py"
            if needed not in found:
                _add_part(needed, found)
    found.append(part)


def _is_own(module: str) -> bool:
    return module.startswith(("core.", "storage."))


@cache
def verifier_text() -> str:
    """The one file, a function of the sources and of the catalogue of events alone.

    Raises:
        InputError: two parts define the same name, or one needs more than the standard library.
    """
    imports: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    sources = {part: (ROOT / part).read_text(encoding="utf-8") for part in parts()}
    bodies = [_body(part, source, imports, owner) for part, source in sources.items()]
    unnumbered = _joined(_header(sources, {}), imports, bodies)
    lines = {line: number for number, line in reversed([*enumerate(unnumbered.splitlines(), 1)])}
    return _joined(_header(sources, lines), imports, bodies)


def _joined(header: str, imports: dict[str, set[str]], bodies: list[str]) -> str:
    start = f"{header}\nfrom __future__ import annotations\n\n{OLD_PYTHON}\n{OWN_FOLDER}"
    first = f"{start}\n{_import_lines(imports)}\n\n{EQUAL_LENGTHS}"
    return "\n\n".join([first, *bodies, _facts_text()])


def chain_text() -> str:
    """The other file that travels: `chain.py`, which follows the chain and shares no line with this one."""
    return (ROOT / CHAIN_NAME).read_text(encoding="utf-8")


@cache
def released_digest(name: str) -> str:
    """SHA-256 of one of the two files, as this version of the program writes it."""
    text = chain_text() if name == CHAIN_NAME else verifier_text()
    return hashlib.sha256(text.encode()).hexdigest()


def _header(sources: Mapping[str, str], lines: Mapping[str, int]) -> str:
    """The text at the top, with the numbers of the lines that begin a part or a check, as far as they are known."""
    abouts = (_about(part, source, lines.get(_title(part), 0)) for part, source in sources.items())
    checks = (_decided(name, inspect.unwrap(function), lines) for name, function in DECIDING.items())
    return HEADER.format(version=program_version(), parts="\n".join(abouts), checks="\n".join(checks))


def _title(part: str) -> str:
    return f"{RULE} {part}"


def _about(part: str, source: str, line: int) -> str:
    """A part in the table of contents: its line, its name and what it is about, within a line."""
    about = (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
    name = part.removeprefix("storage/").removeprefix("verifier/").removeprefix("core/")
    told = f"    {line:>4}  {name:<29} {about}"
    return told if len(told) <= 118 else f"{told[:117].rpartition(' ')[0]} …"


def _decided(check: str, function: Callable[..., str], lines: Mapping[str, int]) -> str:
    begin = f"def {function.__name__}("
    line = next((number for text, number in lines.items() if text.startswith(begin)), 0)
    return f"    {line:>4}  {check:<22} {function.__name__}"


def _import_lines(imports: dict[str, set[str]]) -> str:
    """Whole modules first, then names from modules."""
    whole_modules = [f"import {module}" for module in sorted(imports) if WHOLE in imports[module]]
    named = {module: ", ".join(sorted(names - {WHOLE})) for module, names in sorted(imports.items())}
    return "\n".join([*whole_modules, *(f"from {module} import {names}" for module, names in named.items() if names)])


def _body(part: str, source: str, imports: dict[str, set[str]], owner: dict[str, str]) -> str:
    """A part without its imports; its own text becomes a comment above it."""
    tree = ast.parse(source)
    lines = source.splitlines()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            _note_imports(part, statement, imports)
            _blank(lines, statement)
        for name in _defined(statement):
            if owner.setdefault(name, part) != part:
                raise InputError(f"{part} and {owner[name]} both define {name!r}; give one of them another name")
    _blank(lines, tree.body[0])
    about = "\n".join(f"# {line}".rstrip() for line in (ast.get_docstring(tree) or "").splitlines())
    return f"{_title(part)}\n{about}\n\n" + _without_gaps(lines)


def _note_imports(part: str, statement: ast.Import | ast.ImportFrom, imports: dict[str, set[str]]) -> None:
    listed = {alias.name for alias in statement.names}
    if any(alias.asname for alias in statement.names):
        raise InputError(f"{part} renames what it imports, so it cannot be joined")
    wanted: dict[str, set[str]] = {module: {WHOLE} for module in listed}
    if isinstance(statement, ast.ImportFrom):
        wanted = {statement.module or "": listed}
    for module, names in wanted.items():
        if _is_own(module) or module == "__future__":
            continue
        package = module.partition(".")[0]
        if package not in sys.stdlib_module_names:
            raise InputError(f"{part} needs {package}, which is not in the standard library")
        imports.setdefault(module, set()).update(names)


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        return [name.id for target in statement.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return []


def _blank(lines: list[str], statement: ast.stmt) -> None:
    for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
        lines[number] = ""


def _without_gaps(lines: list[str]) -> str:
    """At most two blank lines in a row, none at either end."""
    kept: list[str] = []
    for line in lines:
        if line or kept[-2:] != ["", ""]:
            kept.append(line)
    return "\n".join(kept).strip("\n")


def _entry_lines(texts: Mapping[str, str]) -> str:
    return ",\n".join(f"  {json.dumps(name)}: {json.dumps(text)}" for name, text in texts.items())


def _facts_text() -> str:
    facts = tree_facts()
    kinds = ",\n".join(f"  {json.dumps(kind)}: {json.dumps(shape)}" for kind, shape in facts.kinds.items())
    objects, views = _entry_lines(facts.objects), _entry_lines(facts.views)
    return f'''{RULE} what dempo {facts.program} writes (schema version {facts.version})

EVENT_SHAPES = json.loads(r"""{{
{kinds}
}}""")

CONFIG_SHAPE = json.loads(r"""{json.dumps(facts.config)}""")

OBJECT_DIGESTS = json.loads(r"""{{
{objects}
}}""")

WRITTEN_VIEWS = json.loads(r"""{{
{views}
}}""")

WRITTEN = WriterFacts(
    program={facts.program!r},
    version={facts.version!r},
    objects=OBJECT_DIGESTS,
    views=WRITTEN_VIEWS,
    released={dict(facts.released)!r},
    tables={dict(facts.tables)!r},
    kinds=EVENT_SHAPES,
    sealed={dict(facts.sealed)!r},
    config=CONFIG_SHAPE,
)

if __name__ == "__main__":
    sys.exit(main(WRITTEN))
'''


def _print_asked(names: list[str]) -> None:
    """`python -m storage.verifier.shipped [chain.py]`: the file as it travels, for whoever compares digests."""
    sys.stdout.buffer.write((chain_text() if names == [CHAIN_NAME] else verifier_text()).encode())


if __name__ == "__main__":
    _print_asked(sys.argv[1:])
