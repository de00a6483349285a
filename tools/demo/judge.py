# SPDX-License-Identifier: Apache-2.0
"""Judges one submission: compiled in one sandbox, run in another, compared with the manifest.

Entry points: load_manifest, Judge. A Row says what came out and every way in which it differs from
what the manifest expects; nothing here prints.
"""

import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

import host
import problems
from cordon_cli import OWN_FAILURE, Cordon, Job, Outcome

HERE = os.path.dirname(os.path.abspath(__file__))
# An id that no account has, for folders that a job of root may write (see open_folder).
JOB_OWNER = 61_840
# Longer than the daemon of hostile/daemon.c waits before it writes.
DAEMON_PATIENCE = 0.7


@dataclass
class Row:
    name: str
    language: str
    expected: str
    verdict: str = ""
    answer: str = ""
    outcome: Optional[Outcome] = None
    complaints: List[str] = field(default_factory=list)
    skipped: str = ""


def load_manifest(path: str = os.path.join(HERE, "manifest.json")) -> Dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def name_of(submission: Dict[str, Any]) -> str:
    return submission.get("name", submission["file"])


def policy_of(submission: Dict[str, Any], language: Dict[str, Any]) -> str:
    """A shipped profile, or the submission's own file beside the manifest."""
    own = submission.get("policy")
    return os.path.join(HERE, own) if own else language["run_policy"]


def described(submission: Dict[str, Any]) -> str:
    """"SIGNALED SIGFPE", "EXITED 0 OK": the whole expectation in a few words."""
    words = [submission["verdict"], str(submission.get("exit_code", "")),
             submission.get("signal", ""), submission.get("answer", "")]
    return " ".join(word for word in words if word)


def open_folder(parent: str, name: str) -> str:
    """A folder that the job may write. Started by root, a job is nobody on the host: it runs as
    the owner of the folders that are bound for writing, and that owner must not be root."""
    path = os.path.join(parent, name)
    os.mkdir(path)
    os.chmod(path, 0o755)
    if os.geteuid() == 0:
        os.chown(path, JOB_OWNER, JOB_OWNER)
    return path


class Judge:
    def __init__(self, cordon: Cordon, scratch: str, manifest: Dict[str, Any]):
        self.cordon = cordon
        self.scratch = scratch
        self.languages = manifest["languages"]
        self.problems = problems.write_all(scratch)
        self.token = "demo-" + os.urandom(8).hex()
        self.secret = os.urandom(16).hex()
        self.neighbour = os.path.join(scratch, "neighbour.answer")
        with open(self.neighbour, "w", encoding="ascii") as file:
            file.write(self.secret + "\n")
        os.chmod(self.neighbour, 0o644)
        self.built: Dict[str, str] = {}

    def judge(self, submission: Dict[str, Any]) -> Row:
        row = Row(name_of(submission), submission["language"], described(submission))
        language = self.languages[submission["language"]]
        if self._lacks(row, language):
            return row
        source = self._source(submission, language)
        output = self._compiled(row, submission, language, source)
        if output is not None:
            self._run(row, submission, language, source, output)
        if row.outcome is not None:
            check_expectations(row, submission)
            if not row.outcome.report.get("evidence"):
                row.complaints.append("the report has no evidence")
        left = host.leftovers(self.token)
        if left:
            row.complaints.append(f"processes of the job are left: {left}")
        return row

    def compiled(self, row: Row, submission: Dict[str, Any]) -> Optional[str]:
        """The folder with the program, to be run by somebody else; None: the row says why not."""
        language = self.languages[submission["language"]]
        if self._lacks(row, language):
            return None
        return self._compiled(row, submission, language, self._source(submission, language))

    @staticmethod
    def _lacks(row: Row, language: Dict[str, Any]) -> bool:
        if os.path.exists(f"/usr/bin/{language['needs']}"):
            return False
        row.skipped = f"{language['needs']} is not installed"
        return True

    def _source(self, submission: Dict[str, Any], language: Dict[str, Any]) -> str:
        folder = tempfile.mkdtemp(dir=self.scratch, prefix="source-")
        os.chmod(folder, 0o755)
        path = os.path.join(folder, language["file"])
        shutil.copyfile(os.path.join(HERE, "submissions", submission["file"]), path)
        os.chmod(path, 0o644)
        return folder

    def _compiled(self, row: Row, submission: Dict[str, Any], language: Dict[str, Any],
                  source: str) -> Optional[str]:
        """The folder with the program; None when the compiler ended the matter."""
        if "compile" not in language:
            return source
        if submission["file"] in self.built:
            return self.built[submission["file"]]
        output = open_folder(source, "out")
        log = os.path.join(source, "compiler.log")
        outcome = self.cordon.run(Job(
            policy=language["compile_policy"], argv=language["compile"], stderr=log,
            stdout=os.path.join(source, "compiler.out"),
            binds=[f"{source}:/src:ro", f"{output}:/out:rw"]))
        if outcome.verdict == "EXITED" and outcome.exit_code == 0:
            self.built[submission["file"]] = output
            return output
        row.outcome = outcome
        row.verdict = "COMPILE_ERROR" if outcome.verdict == "EXITED" else outcome.verdict
        text = read_text(log)
        self._look_for_leaks(row, text)
        if row.verdict != submission["verdict"]:
            row.complaints.append("the compiler: " + (text.strip()[-300:] or outcome.message))
        return None

    def _run(self, row: Row, submission: Dict[str, Any], language: Dict[str, Any], source: str,
             output: str) -> None:
        problem = self.problems.get(submission.get("problem", ""))
        arguments = [a.format(neighbour=self.neighbour) for a in submission.get("arguments", [])]
        stdout, stderr = os.path.join(source, "stdout"), os.path.join(source, "stderr")
        binds = []
        if language["run"][0] != "./program":  # an interpreter: what it runs is bound
            binds.append(f"{output}:/out:ro" if "compile" in language else f"{source}:/src:ro")
        canary = None
        if submission.get("canary"):
            canary = open_folder(source, "canary")
            binds.append(f"{canary}:/canary:rw")
        row.outcome = self.cordon.run(Job(
            policy=policy_of(submission, language), argv=[*language["run"], self.token, *arguments],
            binds=binds, limits={**language["limits"], **submission.get("limits", {})},
            stdin=problem.input_path if problem else None, stdout=stdout, stderr=stderr,
            folder=output, timeline="10ms"))
        row.verdict = row.outcome.verdict
        text = read_text(stdout)
        self._look_for_leaks(row, text + read_text(stderr))
        if problem and row.outcome.exit_code == 0:
            same = problems.same_answer(text, read_text(problem.answer_path))
            row.answer = "OK" if same else "WRONG"
        if "output" in submission and text != submission["output"]:
            row.complaints.append(f"printed {text[:200]!r}")
        if canary:
            self._check_canary(row, canary)

    def _look_for_leaks(self, row: Row, text: str) -> None:
        if self.secret in text:
            row.complaints.append("the neighbour's answers leaked")
        if any(line.startswith("root:") and line.count(":") >= 6 for line in text.splitlines()):
            row.complaints.append("a password file leaked")

    @staticmethod
    def _check_canary(row: Row, canary: str) -> None:
        if not os.path.exists(os.path.join(canary, "started")):
            row.complaints.append("the daemon never started: the canary proves nothing")
        time.sleep(DAEMON_PATIENCE)
        if os.path.exists(os.path.join(canary, "alive")):
            row.complaints.append("the daemon outlived the job and wrote its canary")


def read_text(path: str, most: int = 1 << 25) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(most)


def status_wanted(outcome: Outcome) -> Optional[int]:
    """The exit status that the command must have for a verdict, where its manual fixes it."""
    if outcome.verdict == "EXITED":
        return outcome.exit_code
    if outcome.verdict in ("CPU_LIMIT", "WALL_LIMIT"):
        return 124
    if outcome.verdict == "SIGNALED":
        return 128 + int(outcome.report.get("signal", 0))
    return OWN_FAILURE if outcome.verdict == "SETUP_FAILED" else None


def check_expectations(row: Row, submission: Dict[str, Any]) -> None:
    outcome = row.outcome
    assert outcome is not None
    if row.verdict != submission["verdict"]:
        detail = outcome.message.strip() if outcome.verdict in ("SETUP_FAILED", "NO_REPORT") else ""
        row.complaints.append(f"verdict {row.verdict}, expected {submission['verdict']}"
                              + (f": {detail}" if detail else ""))
        return
    wanted = submission.get("exit_code")
    if wanted is not None and outcome.exit_code != wanted:
        row.complaints.append(f"exit code {outcome.exit_code}, expected {wanted}")
    if "signal" in submission and outcome.signal_name != submission["signal"]:
        row.complaints.append(f"{outcome.signal_name}, expected {submission['signal']}")
    if "answer" in submission and row.answer != submission["answer"]:
        row.complaints.append(f"answer {row.answer}, expected {submission['answer']}")
    status = status_wanted(outcome)
    if status is not None and outcome.exit_status != status:
        row.complaints.append(f"cordon's exit status is {outcome.exit_status}, not {status}")
