# SPDX-License-Identifier: Apache-2.0
"""The three problems of the demo: input made from a fixed seed, and the answers.

Entry point: write_all(folder). The answers are computed here by other methods than the submissions
use (digit sums, counting, label correction instead of Dijkstra), so that agreement means something.
"""

import collections
import os
from typing import Callable, Dict, Iterator, List, NamedTuple, Tuple


class Problem(NamedTuple):
    name: str
    input_path: str
    answer_path: str


def numbers(seed: int) -> Iterator[int]:
    """A 64-bit linear congruential generator: the same everywhere, for ever."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def sum_problem(count: int = 1_000_000, seed: int = 1) -> Tuple[str, str]:
    source = numbers(seed)
    values = [next(source) - 2**30 for _ in range(count)]
    # By digits of base 2^15, so that no submission's way of adding is repeated here.
    low = sum(value % 32768 for value in values)
    high = sum(value // 32768 for value in values)
    return f"{count}\n{' '.join(map(str, values))}\n", f"{high * 32768 + low}\n"


def sort_problem(count: int = 200_000, seed: int = 2) -> Tuple[str, str]:
    source = numbers(seed)
    values = [next(source) % 2_000_003 - 1_000_000 for _ in range(count)]
    seen = collections.Counter(values)
    lines: List[str] = []
    for value in range(-1_000_000, 1_000_004):
        if seen[value]:
            lines += [str(value)] * seen[value]
    return f"{count}\n{' '.join(map(str, values))}\n", "\n".join(lines) + "\n"


def path_problem(vertices: int = 20_000, edges: int = 100_000, seed: int = 3) -> Tuple[str, str]:
    source = numbers(seed)
    triples = [(next(source) % vertices + 1, next(source) % vertices + 1, next(source) % 1000 + 1)
               for _ in range(edges)]
    leaving: Dict[int, List[Tuple[int, int]]] = collections.defaultdict(list)
    for start, end, length in triples:
        leaving[start].append((end, length))
    distance = {1: 0}
    waiting, queued = collections.deque([1]), {1}
    while waiting:  # label correction: any order gives the same fixed point
        vertex = waiting.popleft()
        queued.discard(vertex)
        for end, length in leaving[vertex]:
            reached = distance[vertex] + length
            if reached < distance.get(end, reached + 1):
                distance[end] = reached
                if end not in queued:
                    waiting.append(end)
                    queued.add(end)
    answer = "\n".join(str(distance.get(vertex, -1)) for vertex in range(1, vertices + 1))
    lines = "\n".join(f"{a} {b} {c}" for a, b, c in triples)
    return f"{vertices} {edges}\n{lines}\n", answer + "\n"


MAKERS: Dict[str, Callable[[], Tuple[str, str]]] = {
    "sum": sum_problem,
    "sort": sort_problem,
    "path": path_problem,
}


def write_all(folder: str) -> Dict[str, Problem]:
    problems = {}
    for name, maker in MAKERS.items():
        problem = Problem(name, os.path.join(folder, f"{name}.in"),
                          os.path.join(folder, f"{name}.answer"))
        text, answer = maker()
        for path, content in ((problem.input_path, text), (problem.answer_path, answer)):
            with open(path, "w", encoding="ascii") as file:
                file.write(content)
            os.chmod(path, 0o644)  # only the sandbox hides the answers from the job
        problems[name] = problem
    return problems


def same_answer(given: str, wanted: str) -> bool:
    """Equal but for blanks at the ends of lines and empty lines at the end."""
    def lines(text: str) -> List[str]:
        return [line.rstrip() for line in text.rstrip().split("\n")]
    return lines(given) == lines(wanted)
