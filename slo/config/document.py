"""The text of slo.yaml as plain data, and the place of everything in it.

YAML is read as a tree of nodes, so that each fault can name its line and column.
Scalars stay text: YAML 1.1 reads `no` as false, `012` as ten and `1:30` as ninety,
and here the key decides what a scalar means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml

from slo.config.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

KEY = "[key]"
"""The end of a path that means a key itself, not its value."""

_TAG = "tag:yaml.org,2002:"
_KINDS = {"str", "null", "bool", "int", "float", "timestamp", "map", "seq"}
_MERGE = f"{_TAG}merge"
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^{}]*))?\}|(?P<open>\{))",
    re.ASCII,
)


class Filled(str):
    """Text that variables were filled into; `written` is what the file says, safe to show."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, text: str, written: str) -> Self:
        """The text `text`, which the file writes as `written`."""
        filled = super().__new__(cls, text)
        filled.written = written
        return filled


@dataclass(frozen=True, slots=True)
class Plain:
    """A scalar without quotes that YAML takes for something other than text."""

    text: str
    kind: str
    """`bool`, `int`, `float`, `timestamp` or another of YAML's words."""


@dataclass(slots=True)
class Document:
    """The data of one file, the faults of reading it, and the tree that knows the places."""

    file: str
    env: Mapping[str, str]
    root: yaml.Node | None = None
    data: Any = None
    faults: list[Fault] = field(default_factory=list)
    _values: dict[int, Any] = field(default_factory=dict)
    _broken: set[Path] = field(default_factory=set)
    _indexes: dict[int, dict[Any, tuple[yaml.Node, yaml.Node]]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, file: str, env: Mapping[str, str]) -> Document:
        """The document that `text` writes, with its faults; never raises for bad text."""
        document = cls(file, env)
        try:
            document.root = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader)
            if document.root is not None:
                document.data = document._value(document.root, ())
        except yaml.MarkedYAMLError as error:
            document.faults.append(_syntax_fault(file, error, text))
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            document._add(line, column, (), "holds a character that YAML does not allow")
        except RecursionError:
            document.root = None
            document._add(1, 1, (), "is nested too deeply")
        return document

    def add(self, path: Path, message: str) -> None:
        """Note a fault at `path`; faults that only follow from an unset variable are left out."""
        if any(path[:length] in self._broken for length in range(len(path) + 1)):
            return
        mark = self._mark(path)
        shown = path[:-1] if path[-1:] == (KEY,) else path
        self._add(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, shown, message)

    def _add(self, line: int, column: int, path: Path, message: str) -> None:
        where, rest = _where(path)
        keys = ".".join(str(part) for part in rest)
        self.faults.append(
            Fault(self.file, line, column, where, f"{keys}: {message}" if keys else message)
        )

    def _mark(self, path: Path) -> yaml.Mark | None:
        """The start of a scalar value, of the key of a mapping or list, or of the list's item."""
        if self.root is None:
            return None
        on_key = path[-1:] == (KEY,)
        node, mark = self.root, self.root.start_mark
        for part in path[:-1] if on_key else path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
                mark = node.start_mark
                continue
            found = self._pairs(node).get(part)
            if found is None:  # A key that is missing: the place is where it should be.
                return mark
            key, node = found
            mark = node.start_mark if isinstance(node, yaml.ScalarNode) else key.start_mark
            if on_key or not getattr(node, "value", None):
                mark = key.start_mark
        return mark

    def _pairs(self, node: yaml.Node) -> dict[Any, tuple[yaml.Node, yaml.Node]]:
        """The keys and values of a mapping by key; kept, since many faults may ask for them."""
        index = self._indexes.get(id(node))
        if index is None:
            index = self._indexes[id(node)] = {}
            for key, value in _pairs(node):
                index.setdefault(
                    key.value if isinstance(key, yaml.ScalarNode) else None, (key, value)
                )
        return index

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._values:  # An alias, or a node that holds itself.
            return self._values[id(node)]
        self._ensure_known(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = self._values[id(node)] = []
            items.extend(self._value(item, (*path, i)) for i, item in enumerate(node.value))
            return items
        mapping: dict[str, Any] = {}
        self._values[id(node)] = mapping
        if isinstance(node, yaml.MappingNode):
            self._fill(mapping, node, path)
        return mapping

    def _fill(self, mapping: dict[str, Any], node: yaml.MappingNode, path: Path) -> None:
        lines: dict[str, int] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                merged = self._merged(value, path) | merged
                continue
            if not isinstance(key, yaml.ScalarNode) or not key.value:
                self._fault_at(key, path, "a key must be text")
                continue
            if key.value in lines:
                first = lines[key.value]
                self._fault_at(key, (*path, key.value), f"duplicate key, first on line {first}")
                continue
            lines[key.value] = key.start_mark.line + 1
            mapping[key.value] = self._value(value, (*path, key.value))
        for name, value in merged.items():
            mapping.setdefault(name, value)

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, yaml.MappingNode):
                merged = self._value(part, path) | merged
            else:
                self._fault_at(part, path, "`<<` takes a mapping, or a list of them")
        return merged

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | Plain | None:
        self._ensure_known(node, path)
        text: str = node.value
        match kind := node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool" | "int" | "float" | "timestamp":
                return Plain(text, kind)
            case _:
                return self._interpolated(node, path) if "$" in text else text

    def _ensure_known(self, node: yaml.Node, path: Path) -> None:
        """Note a fault for a tag that an author wrote and that nothing here reads."""
        kind = node.tag.removeprefix(_TAG)
        if kind not in _KINDS:
            self._fault_at(node, path, f"the tag !!{kind} has no meaning here; leave it out")
            self._broken.add(path)

    def _interpolated(self, node: yaml.ScalarNode, path: Path) -> str:
        """The text with its variables; filled in after parsing, so a value adds no structure."""
        written: str = node.value
        filled = malformed = False

        def replacement(match: re.Match[str]) -> str:
            nonlocal filled, malformed
            if match["dollar"] or malformed:
                return "$"
            filled = True
            if match["open"]:
                malformed = True
                form = "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"
                self._fault_at(node, path, f"`${{` begins no variable; {form}")
                self._broken.add(path)
                return ""
            name, default = match["name"], match["default"]
            value = self.env.get(name)
            if default is not None:
                return value or default
            if value is None:
                self._fault_at(
                    node,
                    path,
                    f"the environment variable {name} is not set; "
                    f"set it, or give a default as in ${{{name}:-value}}",
                )
                self._broken.add(path)
            return value or ""

        text = _VARIABLE.sub(replacement, written)
        return Filled(text, written) if filled else text

    def _fault_at(self, node: yaml.Node, path: Path, message: str) -> None:
        self._add(node.start_mark.line + 1, node.start_mark.column + 1, path, message)


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The keys and values of a mapping, its own before merged ones."""
    if not isinstance(node, yaml.MappingNode):
        return
    yield from (pair for pair in node.value if pair[0].tag != _MERGE)
    for key, value in node.value:
        if key.tag == _MERGE:
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _pairs(part)


def _where(path: Path) -> tuple[str, Path]:
    """What a path belongs to, in the words of people, and the rest of the path."""
    match path:
        case ("services", str(service), "slos" | "SLO", str(name), *rest):
            return f"{service}/{name}", tuple(rest)
        case ("services", str(service), *rest):
            return service, tuple(rest)
        case ("SLO", str(name), *rest):
            return f"default/{name}", tuple(rest)
        case ("sources" | "receivers" as kind, str(name), *rest):
            return f"{kind}/{name}", tuple(rest)
        case (first, *rest):
            return str(first), tuple(rest)
        case _:
            return "", ()


def _syntax_fault(file: str, error: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    message = ", ".join(part for part in (error.context, error.problem) if part)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if "${" in "".join(text.splitlines()[line - 1 : line]):
        message += "; inside { } a value with ${...} needs quotes"
    return Fault(file, line, column, "", f"is not YAML: {message}")
