# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the completions that the build has made, against their sources.

Run by ctest: documents_test.py --cordon PROGRAM --setup PROGRAM --documents FOLDER [--protoc
PROGRAM] [unittest options]. What must be in a page is found another way than its maker does: fields
by protoc, options by a plain search of --help.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import unittest

import command_line

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

OPTIONS = None
PAGES = ("man1/cordon.1", "man5/cordon-batch.5", "man5/cordon-policy.5", "man5/cordon-report.5",
         "man8/cordon-setup.8")


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True,
                          stdin=subprocess.DEVNULL).stdout


def options_in(text):
    """Long options at the beginning of lines of --help, but for --help itself."""
    found = re.findall(r"^  (?:-\w,)?(--[a-z][\w-]*)", text, re.MULTILINE)
    return {each for each in found if each != "--help"}


def verbs_in(text):
    return re.findall(r"^  (\w+)", text.partition("Subcommands:\n")[2], re.MULTILINE)


def words_of(text):
    """Words of a rendered page: no overstriking, no words broken at the end of a line."""
    text = re.sub(r".\x08", "", text)
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    return set(re.findall(r"--[\w-]+|\w+", re.sub(r"-\n\s*", "-", text)))


class Page(unittest.TestCase):
    def path(self, page):
        return os.path.join(OPTIONS.documents, "man", page)

    def need(self, program):
        if shutil.which(program) is None:
            self.skipTest(f"needs {program}")

    def rendered(self, page):
        self.need("groff")
        # One line per paragraph, so that nothing is broken or hyphenated.
        return said("groff", "-man", "-Tascii", "-P-cbou", "-rLL=2000n", "-rHY=0", self.path(page))

    def assert_has(self, page, wanted):
        self.assertTrue(wanted)
        missing = set(wanted) - words_of(self.rendered(page))
        self.assertEqual(missing, set(), f"not in {page}")


class Form(Page):
    def test_formatters_find_nothing_to_complain_of(self):
        self.need("groff")
        for page in PAGES:
            with self.subTest(page=page):
                done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", self.path(page)],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, "")

    def test_the_formatter_does_complain(self):
        """Of a page with an error: otherwise the test above would say nothing."""
        self.need("groff")
        done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], capture_output=True,
                              text=True, check=False, input=".TH X 1\n.SH NAME\n.nonsense\n")
        self.assertIn("nonsense", done.stderr)

    def test_mandoc_finds_nothing_either(self):
        self.need("mandoc")
        for page in PAGES:
            with self.subTest(page=page):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", self.path(page)],
                                      capture_output=True, text=True, check=False)
                # .nf around a synopsis, and no date: a build must give the same bytes twice.
                other = [line for line in done.stdout.splitlines() if "missing date" not in line]
                self.assertEqual(other, [])

    def test_man_knows_the_names_of_the_pages(self):
        for page in PAGES:
            with open(self.path(page), encoding="ascii") as file:
                text = file.read()
            name, section = os.path.basename(page).rsplit(".", 1)
            heading = re.search(r"^\.TH (\S+) (\d)", text, re.MULTILINE)
            self.assertEqual(heading.group(1).replace("\\-", "-"), name.upper())
            self.assertEqual(heading.group(2), section)
            self.assertRegex(text, r"\.SH NAME\n" + name.replace("-", r"\\-") + r" \\- ")
            self.assertNotIn("@", re.sub(r"\S+@\.service|user@", "", text))


class Content(Page):
    def test_every_option_of_every_verb(self):
        top = said(OPTIONS.cordon, "--help")
        verbs = verbs_in(top)
        self.assertIn("run", verbs)
        wanted = set(verbs)
        for verb in verbs:
            wanted |= options_in(said(OPTIONS.cordon, verb, "--help"))
        self.assertIn("--cpu-time", wanted)
        self.assert_has("man1/cordon.1", wanted)
        self.assert_has("man8/cordon-setup.8", options_in(said(OPTIONS.setup, "--help")))

    def test_every_profile(self):
        names = {line.split()[0] for line in said(OPTIONS.cordon, "profiles").splitlines()}
        text = self.rendered("man1/cordon.1")
        self.assertEqual([name for name in sorted(names) if name not in text], [])

    def test_every_field_of_the_schemas(self):
        if not OPTIONS.protoc:
            self.skipTest("needs protoc")
        for page, schema in (("policy", "policy"), ("batch", "batch"), ("report", "report")):
            with self.subTest(page=page):
                self.assert_has(f"man5/cordon-{page}.5", self.fields_of(schema))

    def fields_of(self, schema):
        """Names of fields and of values of enums, as the compiler of schemas sees them."""
        found = subprocess.run([OPTIONS.protoc, "--descriptor_set_out=/dev/stdout", f"-I{ROOT}",
                                f"policy/proto/{schema}.proto"], capture_output=True, check=True)
        text = subprocess.run([OPTIONS.protoc, "-I/usr/include",
                               "--decode=google.protobuf.FileDescriptorSet",
                               "google/protobuf/descriptor.proto"], input=found.stdout,
                              capture_output=True, check=True).stdout.decode()
        names = re.findall(r'^ *(?:field|value) \{\n *name: "(\w+)"', text, re.MULTILINE)
        self.assertGreater(len(names), 5)
        return {name for name in names if not name.endswith("_UNSPECIFIED")}

    def test_a_missing_option_would_be_seen(self):
        with self.assertRaises(AssertionError):
            self.assert_has("man1/cordon.1", {"--run", "--no-such-option"})


class Completion(unittest.TestCase):
    """What bash is answered, with the words as bash would split them."""

    def setUp(self):
        if shutil.which("bash") is None:
            self.skipTest("needs bash")
        self.folder = tempfile.mkdtemp(prefix="cordon_completion_")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("own.textproto", "two words.json", "*"):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8"):
                pass
        os.mkdir(os.path.join(self.folder, "folder"))

    def complete(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  'eval "$(complete -p cordon | sed "s/.*-F \\([^ ]*\\) .*/\\1/")"; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-u", "-c", script, "bash",
                               os.path.join(OPTIONS.documents, "bash/cordon"), "cordon", *words],
                              capture_output=True, text=True, check=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.splitlines()) - {""}

    def test_verbs(self):
        self.assertEqual(self.complete("do"), {"doctor"})
        self.assertLessEqual({"run", "check", "batch", "profiles"}, self.complete(""))
        self.assertIn("--version", self.complete("--"))

    def test_every_option_of_every_verb(self):
        for verb in self.complete(""):
            with self.subTest(verb=verb):
                wanted = options_in(said(OPTIONS.cordon, verb, "--help"))
                self.assertEqual(wanted - self.complete(verb, "-"), set())
        self.assertEqual(self.complete("run", "--cpu"), {"--cpu-time"})

    def test_choices(self):
        self.assertEqual(self.complete("check", "--format", ""), {"text", "json"})
        self.assertEqual(self.complete("check", "--format", "=", "j"), {"json"})
        self.assertEqual(self.complete("check", "--format", "="), {"text", "json"})
        self.assertEqual(self.complete("check", "--fail-on", "da"), {"danger"})

    def test_policies_are_profiles_and_files(self):
        profiles = {line.split()[0] for line in said(OPTIONS.cordon, "profiles").splitlines()}
        files = {"own.textproto", "two words.json", "*", "folder"}
        for words in (("run", "--policy", ""), ("explain", ""), ("check", "judge/c", ""),
                      ("diff", ""), ("compile", "")):
            with self.subTest(words=words):
                self.assertEqual(self.complete(*words), profiles | files)
        self.assertEqual(self.complete("explain", "judge/j"), {"judge/java"})

    def test_files(self):
        self.assertEqual(self.complete("run", "--report", "t"), {"two words.json"})
        self.assertEqual(self.complete("batch", "own"), {"own.textproto"})

    def test_what_nobody_can_guess_is_left_alone(self):
        self.assertEqual(self.complete("run", "--memory", ""), set())
        self.assertEqual(self.complete("run", "--workdir", ""), set())

    def test_behind_two_dashes_is_the_job(self):
        found = self.complete("run", "--policy", "judge/cpp", "--", "")
        self.assertLessEqual({"ls", "own.textproto"}, found)
        self.assertEqual(self.complete("run", "--", "ls", "ow"), {"own.textproto"})
        self.assertEqual(self.complete("run", "--", "ls", "--qui"), set())


# At its first prompt the shell completes the words that it was given, notes every match, and ends.
ZSHRC = r"""
PS1= PS2= RPS1= LISTMAX=100000  # more than that it asks whether to list
unset zle_bracketed_paste
zstyle ':completion:*' use-cache no
fpath=("$DOCUMENTS/zsh" $fpath)
autoload -Uz compinit
compinit -u -d "$ZDOTDIR/dump"  # found anew by the first shell only
compadd() {
  # Calls that fill arrays show nothing.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a matches
  builtin compadd -A matches "$@"
  (( $#matches )) && print -rl -- $matches >>"$MATCHES"
  builtin compadd "$@"
}
finish() { exit 0 }
comppostfuncs=(finish)
zle-line-init() { BUFFER=$LINE_TO_COMPLETE; CURSOR=$#BUFFER; zle complete-word; exit 1 }
zle -N zle-line-init
"""


class ZshCompletion(unittest.TestCase):
    """What zsh offers, in a shell of its own on a terminal of its own."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="cordon_completion_")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.home = os.path.join(folder, "home")
        os.mkdir(cls.home)
        with open(os.path.join(cls.home, ".zshrc"), "w", encoding="utf-8") as file:
            file.write(ZSHRC)
        cls.here = os.path.join(folder, "here")
        os.makedirs(os.path.join(cls.here, "folder"))
        for name in ("own.textproto", "two words.json"):
            with open(os.path.join(cls.here, name), "w", encoding="utf-8"):
                pass

    def setUp(self):
        if shutil.which("zsh") is None:
            self.skipTest("needs zsh")

    def complete(self, line):
        matches = os.path.join(self.home, "matches")
        with open(matches, "w", encoding="utf-8"):
            pass
        ours, theirs = pty.openpty()
        environment = dict(os.environ, ZDOTDIR=self.home, MATCHES=matches, TERM="dumb",
                           DOCUMENTS=OPTIONS.documents, LINE_TO_COMPLETE="cordon " + line)
        shown = b""
        with subprocess.Popen(["zsh", "-d", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                              cwd=self.here, env=environment, start_new_session=True) as shell:
            os.close(theirs)
            try:
                while select.select([ours], [], [], 120)[0]:
                    shown += os.read(ours, 65536)  # else it would wait for a reader
            except OSError:
                pass  # it has ended
            os.close(ours)
            if shell.poll() is None:
                shell.wait(60)
        self.assertEqual(shell.returncode, 0, shown)
        with open(matches, encoding="utf-8") as file:
            return set(file.read().replace("\\ ", " ").splitlines())  # some come quoted

    def test_its_syntax_is_right(self):
        done = subprocess.run(["zsh", "-n", os.path.join(OPTIONS.documents, "zsh/_cordon")],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_verbs(self):
        self.assertEqual(self.complete("do"), {"doctor"})
        self.assertLessEqual({"run", "check", "batch", "profiles"}, self.complete(""))
        self.assertIn("--version", self.complete("--"))

    def test_every_option_of_every_verb(self):
        for verb in self.complete(""):
            with self.subTest(verb=verb):
                wanted = options_in(said(OPTIONS.cordon, verb, "--help"))
                self.assertEqual(wanted - self.complete(verb + " -"), set())
        self.assertEqual(self.complete("run --cpu"), {"--cpu-time"})
        # What is there already is not offered again, unless it may be repeated.
        offered = self.complete("run --quiet --bind a:/b --")
        self.assertNotIn("--quiet", offered)
        self.assertIn("--bind", offered)

    def test_choices(self):
        for line in ("check --format ", "check --format="):
            self.assertEqual(self.complete(line), {"text", "json"})
        self.assertEqual(self.complete("check --fail-on da"), {"danger"})

    def test_policies_are_profiles_and_files(self):
        profiles = {line.split()[0] for line in said(OPTIONS.cordon, "profiles").splitlines()}
        for line in ("run --policy ", "explain ", "check judge/c ", "diff base/strict "):
            with self.subTest(line=line):
                offered = self.complete(line)
                self.assertLessEqual(profiles | {"own.textproto"}, offered)
        self.assertEqual(self.complete("explain judge/j"), {"judge/java"})

    def test_files_and_folders(self):
        self.assertEqual(self.complete("run --report t"), {"two words.json"})
        self.assertEqual(self.complete("batch own"), {"own.textproto"})
        self.assertEqual(self.complete("batch jobs --store "), {"folder"})

    def test_what_nobody_can_guess_is_left_alone(self):
        self.assertEqual(self.complete("run --memory "), set())
        self.assertEqual(self.complete("run --workdir "), set())

    def test_behind_two_dashes_is_the_job(self):
        self.assertIn("ls", self.complete("run --policy judge/cpp -- l"))
        self.assertEqual(self.complete("run -- cat ow"), {"own.textproto"})
        self.assertNotIn("--quiet", self.complete("run -- cat --qui"))


def main():
    global OPTIONS  # pylint: disable=global-statement
    OPTIONS = command_line.take("cordon", "setup", "documents", protoc=shutil.which("protoc"))
    command_line.run("documents_cli")


if __name__ == "__main__":
    main()
