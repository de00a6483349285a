#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manual pages and the completions of the commands just built. Run by the build:

    documents.py --cordon PROGRAM --setup PROGRAM --root TREE --out FOLDER

Everything that could drift is taken from its source: options from --help, fields from the schemas,
profiles from the command.
"""

import argparse
import os
import re
import subprocess
import sys
from typing import List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cli_help  # noqa: E402  (the folder is on the path only now)
import completion  # noqa: E402
import manual  # noqa: E402
import proto_comments  # noqa: E402
import zsh_completion  # noqa: E402

# What there is a page about.
SCHEMAS = ("policy/proto/policy.proto", "policy/proto/batch.proto", "policy/proto/report.proto")
_IMPORT = re.compile(r'^import "(policy/[^"]+)";', re.MULTILINE)


def schema_of(root: str, name: str) -> proto_comments.Schema:
    """With the types of all that it imports."""
    with open(os.path.join(root, name), encoding="utf-8") as file:
        text = file.read()
    imported = [schema_of(root, each) for each in _IMPORT.findall(text)]
    return manual.joined([proto_comments.parse(text), *imported])


def profiles_of(program: str) -> List[Tuple[str, str]]:
    listed = subprocess.run([program, "profiles"], capture_output=True, text=True,
                            check=True).stdout
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in listed.splitlines()]


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("cordon", "setup", "root", "out"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    cordon, setup = cli_help.ask(arguments.cordon), cli_help.ask(arguments.setup)
    version = subprocess.run([arguments.cordon, "--version"], capture_output=True, text=True,
                             check=True).stdout.strip()
    profiles = profiles_of(arguments.cordon)
    schemas = {name: schema_of(arguments.root, name) for name in SCHEMAS}
    frames = os.path.join(arguments.root, "tools/man")
    for name in sorted(os.listdir(frames)):
        if not name.endswith(".in"):
            continue
        with open(os.path.join(frames, name), encoding="utf-8") as file:
            frame = file.read()
        page = name[:-len(".in")]
        command = setup if page.startswith("cordon-setup") else cordon
        section = page[-1]
        write(os.path.join(arguments.out, f"man/man{section}", page),
              manual.page(frame, command, schemas, profiles, version))
    write(os.path.join(arguments.out, "bash/cordon"),
          completion.bash(cordon, [name for name, _ in profiles]))
    write(os.path.join(arguments.out, "zsh/_cordon"),
          zsh_completion.zsh(cordon, [name for name, _ in profiles]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
