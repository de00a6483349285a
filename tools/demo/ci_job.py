# SPDX-License-Identifier: Apache-2.0
"""The CI job of the demo: Cordon's own policy library, configured and built under ci/cmake.

Entry point: run. The sources are copied first, because a checkout may lie in a folder that only
its owner may enter. A third job shows that the sandbox cannot reach a server of the host.
"""

import os
import shutil
import socket
import threading
from typing import List

from cordon_cli import Cordon, Job
from judge import Row, check_expectations, open_folder, read_text

POLICY = "ci/cmake"
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(cordon_policy LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CORDON_WERROR ON)
set(CORDON_PCH ON)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/tools/cmake)
include(Warnings)
include(Sanitizers)
include(Precompiled)
include(CordonTarget)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
add_subdirectory(policy)
"""
CONNECT = """import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2).close()
except OSError as error:
    sys.exit(f"no way out: {error}")
"""


def copy_sources(root: str, target: str) -> None:
    for folder in ("policy", os.path.join("tools", "cmake")):
        shutil.copytree(os.path.join(root, folder), os.path.join(target, folder))
    with open(os.path.join(target, "CMakeLists.txt"), "w", encoding="ascii") as file:
        file.write(PROJECT)
    for folder, _, files in os.walk(target):
        os.chmod(folder, 0o755)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o644)


class Listener:
    """A server on the host's loopback that counts who gets through."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.reached = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.reached += 1
            connection.close()


def _row(cordon: Cordon, name: str, job: Job, exit_code: int) -> Row:
    row = Row(name, "ci", f"EXITED {exit_code}")
    row.outcome = cordon.run(job)
    row.verdict = row.outcome.verdict
    check_expectations(row, {"verdict": "EXITED", "exit_code": exit_code})
    if row.complaints:
        row.complaints.append((read_text(job.stdout or "") + read_text(job.stderr or ""))[-1500:])
    return row


def _network(cordon: Cordon, scratch: str) -> Row:
    listener = Listener()
    row = _row(cordon, "ci: reach the host's server", Job(
        POLICY, ["python3", "-c", CONNECT, str(listener.port)],
        stdout=os.path.join(scratch, "ci-net.out"), stderr=os.path.join(scratch, "ci-net.err")), 1)
    if listener.reached:
        row.complaints.append("the job reached a server of the host")
    socket.create_connection(("127.0.0.1", listener.port), 5).close()
    listener.socket.close()
    return row


def run(cordon: Cordon, root: str, scratch: str) -> List[Row]:
    source = os.path.join(scratch, "ci-source")
    copy_sources(root, source)
    output = open_folder(scratch, "ci-build")
    binds = [f"{source}:/src:ro", f"{output}:/build:rw"]
    rows = [_network(cordon, scratch)]
    for name, argv in (
            ("ci: configure the policy library",
             ["cmake", "-S", "/src", "-B", "/build", "-G", "Ninja", "-DCMAKE_CXX_FLAGS=-O0"]),
            ("ci: build the policy library", ["ninja", "-C", "/build", "cordon_policy"])):
        rows.append(_row(cordon, name, Job(
            POLICY, argv, binds, stdout=os.path.join(scratch, "ci.out"),
            stderr=os.path.join(scratch, "ci.err"), timeline="100ms"), 0))
        if rows[-1].complaints:
            return rows
    library = os.path.join(output, "policy", "libcordon_policy.a")
    if not os.path.exists(library) or os.path.getsize(library) < 100_000:
        rows[-1].complaints.append("the library was not built")
    return rows
