# SPDX-License-Identifier: Apache-2.0
"""Sizes: no function over 80 lines, no file over 500, no tools/*/main.cc over 150.

Entry point: check(root). C++ functions are found by a scanner of braces that knows namespaces,
types, initialisers and member initialiser lists; Python ones by the interpreter's own parser.
"""

import ast
import re
from typing import List, NamedTuple

from common import CPP_SUFFIXES, Finding, all_files, blank_comments_and_literals, line_of, read

MAX_FUNCTION = 80
MAX_FILE = 500
MAX_MAIN = 150
SIZED_SUFFIXES = CPP_SUFFIXES + (".py", ".sh", ".cmake", ".proto", ".js", ".css", "CMakeLists.txt",
                                 "tools/dev", ".ci/run")


class Function(NamedTuple):
    name: str
    first: int
    last: int

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum)\b")
_LEADING = re.compile(r"\s*(?:(?:public|private|protected)\s*:(?!:)\s*)*")
_LAMBDA = re.compile(r"(?<![\w\]])\[[^\[\]]*\]\s*(?:\(.*\)\s*)?"
                     r"(?:mutable\b|noexcept\b|->.*)?\s*$", re.DOTALL)
_OPERATOR = re.compile(r"\boperator\s*[=!<>+\-*/%&|^]+")
_ASSIGN = re.compile(r"(?<![=!<>+\-*/%&|^])=(?!=)")


def _outside_parentheses(text: str) -> str:
    """`text` without what stands inside () and []; each closing one stays as a mark."""
    depth, kept = 0, []
    for char in text:
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
            kept.append(char if depth == 0 else "")
            continue
        kept.append(char if depth == 0 else "")
    return "".join(kept)


def _opens(header: str) -> str:
    """What a `{` after `header` opens: "scope", "function" or "braces" (an initialiser)."""
    flat = _outside_parentheses(header)
    if _LAMBDA.search(header):
        return "function"
    if _ASSIGN.search(_OPERATOR.sub("operator", flat)):
        return "braces"
    if _SCOPE.search(flat) and ")" not in re.sub(r"\b(alignas|__attribute__)\)", "", flat):
        return "scope"
    if ")" not in flat:
        return "scope" if re.search(r'\bextern\s*"\s*"\s*$', header) else "braces"
    after = flat[flat.index(")") + 1:].replace("::", "  ")
    if ":" in after and re.search(r"[\w>]\s*$", after):
        return "braces"  # a member initialiser `a_{1}`: the body is still to come
    return "function"


def _name(header: str) -> str:
    found = re.search(r"([~\w:]+|operator\s*\S+)\s*\(", header)
    return " ".join(found.group(0).split())[:-1].strip() if found else "lambda"


def _header_start(code: str, begin: int, end: int) -> int:
    """Offset of the first character of the statement in code[begin:end]."""
    return begin + _LEADING.match(code[begin:end]).end()


def cpp_functions(text: str) -> List[Function]:
    code = _DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                          blank_comments_and_literals(text))
    functions: List[Function] = []
    stack: List[str] = []
    start, parens, body = 0, 0, None  # body: (stack depth, header start, name)
    for at, char in enumerate(code):
        if char in "()":
            parens += 1 if char == "(" else -1
        elif char == "{":
            kind = "braces"
            if body is None and (parens == 0 or _LAMBDA.search(code[start:at])):
                kind = _opens(code[start:at])
            if kind == "function":
                first = _header_start(code, start, at)
                body = (len(stack), first, _name(code[first:at]))
            stack.append(kind)
            start = at + 1 if kind != "braces" else start
        elif char == "}" and stack:
            kind = stack.pop()
            if body is not None and body[0] == len(stack):
                functions.append(Function(body[2], line_of(code, body[1]), line_of(code, at)))
                body = None
            start = at + 1 if kind != "braces" or body is not None else start
        elif char == ";" and body is None and parens == 0:
            start = at + 1
    return functions


def python_functions(text: str) -> List[Function]:
    functions = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            functions.append(Function(node.name, node.lineno, node.end_lineno or node.lineno))
    return functions


def bash_functions(text: str) -> List[Function]:
    functions, first, name = [], 0, ""
    for number, line in enumerate(text.split("\n"), start=1):
        opened = re.match(r"^([\w:-]+)\s*\(\)\s*\{\s*$", line)
        if opened:
            first, name = number, opened.group(1)
        elif line == "}" and first:
            functions.append(Function(name, first, number))
            first = 0
    return functions


def _functions_of(name: str, text: str) -> List[Function]:
    if name.endswith(CPP_SUFFIXES):
        return cpp_functions(text)
    if name.endswith(".py"):
        return python_functions(text)
    if name.endswith((".sh", "tools/dev", ".ci/run")):
        return bash_functions(text)
    return []


def check_text(name: str, text: str) -> List[Finding]:
    findings = []
    lines = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
    limit = MAX_FILE
    if re.fullmatch(r"tools/[^/]+/main\.cc", name):
        limit = MAX_MAIN
    if lines > limit:
        findings.append(Finding(name, lines, f"{lines} lines; a file of this kind has at most "
                                             f"{limit}: split it by subject"))
    for function in _functions_of(name, text):
        if function.lines > MAX_FUNCTION:
            findings.append(Finding(name, function.first,
                                    f"{function.name} has {function.lines} lines; a function has "
                                    f"at most {MAX_FUNCTION}"))
    return findings


def check(root: str) -> List[Finding]:
    findings = []
    for name in all_files(root):
        if name.endswith(SIZED_SUFFIXES):
            findings += check_text(name, read(root, name))
    return findings
