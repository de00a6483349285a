# SPDX-License-Identifier: Apache-2.0
"""The readers of --help and of schemas, and what manual and completions make of them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import cli_help  # noqa: E402  (the folder is on the path only now)
import completion  # noqa: E402
import manual  # noqa: E402
import proto_comments  # noqa: E402
import zsh_completion  # noqa: E402

HELP = """Runs something
Usage: tool run [OPTIONS] NAME

Positionals:
  NAME POLICY REQUIRED        What to run

Options:
  -h,--help                   Print this help message and exit
  -q,--quiet                  Say less, or
                              nothing
  --policy POLICY=base/strict Excludes: --plan
                              Profile name or policy file
  -j,--jobs N:INT in [1 - 1024]=1
                              Jobs at a time
  --mode TEXT:{off,open,all}=open
                              How
  --bind SRC:DST[:ro|rw] ...  A bind
  --title TEXT=two words      A title

The end.
  Set back.
Exit status 0: done.
"""

SCHEMA = """// SPDX-License-Identifier: Apache-2.0
// What it is.
//
// Units.
syntax = "proto3";
package x;
import "policy/proto/other.proto";

// Of all.
message Top {
  // First line,
  // second line.
  repeated Part part = 1;
  optional uint32 number = 2;     // default 3; goes on
                                  // here
  oneof choice {
    string a = 3;
    bytes b = 4;  // bytes
  }
  map<string, string> pairs = 5;  // by name
}

message Part {
  enum Kind {
    KIND_UNSPECIFIED = 0;
    GOOD = 1;  // well
  }
  Kind kind = 1;
  Part inner = 2;
}
"""


class Help(unittest.TestCase):
    def setUp(self):
        self.command = cli_help.parse("run", HELP)

    def test_every_part_is_read(self):
        self.assertEqual(self.command.summary, "Runs something")
        self.assertEqual(self.command.usage, "tool run [OPTIONS] NAME")
        self.assertEqual([o.names for o in self.command.options],
                         [("-h", "--help"), ("-q", "--quiet"), ("--policy",), ("-j", "--jobs"),
                          ("--mode",), ("--bind",), ("--title",)])
        by_name = {o.names[-1]: o for o in self.command.options}
        self.assertEqual(by_name["--quiet"].text, "Say less, or nothing")
        self.assertEqual((by_name["--policy"].value, by_name["--policy"].default),
                         ("POLICY", "base/strict"))
        self.assertEqual(by_name["--policy"].text, "Profile name or policy file")
        self.assertEqual((by_name["--jobs"].value, by_name["--jobs"].default), ("N", "1"))
        self.assertEqual(by_name["--mode"].choices, ("off", "open", "all"))
        self.assertTrue(by_name["--bind"].repeated)
        self.assertEqual(by_name["--bind"].value, "SRC:DST[:ro|rw]")
        self.assertEqual(by_name["--bind"].text, "A bind")
        self.assertEqual(by_name["--title"].default, "two words")
        self.assertTrue(self.command.positionals[0].required)
        self.assertTrue(self.command.footer.startswith("The end."))

    def test_what_is_not_understood_is_an_error(self):
        with self.assertRaises(cli_help.Failure):
            cli_help.parse("x", "no usage here\n")
        with self.assertRaises(cli_help.Failure):
            cli_help.parse("x", HELP.replace("  -q,--quiet ", "-q,--quiet   "))
        with self.assertRaises(cli_help.Failure):
            cli_help.parse("x", HELP.replace("[:ro|rw] ...", " or what else"))


class Schema(unittest.TestCase):
    def setUp(self):
        self.schema = proto_comments.parse(SCHEMA)

    def test_comments_belong_to_what_they_are_about(self):
        self.assertEqual(self.schema.comment, "What it is.\nUnits.")
        top = self.schema.messages["Top"]
        self.assertEqual(top.comment, "Of all.")
        self.assertEqual([(f.name, f.label, f.comment) for f in top.fields],
                         [("part", "repeated", "First line, second line."),
                          ("number", "optional", "default 3; goes on here"), ("a", "", ""),
                          ("b", "", "bytes"), ("pairs", "", "by name")])
        kind = self.schema.enums["Part.Kind"]
        self.assertEqual([(v.name, v.comment) for v in kind.values],
                         [("KIND_UNSPECIFIED", ""), ("GOOD", "well")])

    def test_what_is_not_understood_is_an_error(self):
        for broken in (SCHEMA.replace("bytes b = 4;", "group b = 4 {"), SCHEMA + "message Open {\n",
                       SCHEMA.replace("Kind kind = 1;", "Kind kind =")):
            with self.assertRaises(proto_comments.Failure):
                proto_comments.parse(broken)


class Pages(unittest.TestCase):
    def test_fields_are_shown_once_with_where_they_are(self):
        lines = manual.fields(proto_comments.parse(SCHEMA), "Top")
        self.assertEqual([line for line in lines if line.startswith(".SS")],
                         ['.SS "At the top"', '.SS "part, part.inner"',
                          '.SS "part.kind"'])
        self.assertIn("\\fBpart\\fR: \\fI{ ... }, repeated\\fR", lines)
        self.assertIn("\\fBkind\\fR: \\fIGOOD\\fR", lines)

    def test_text_cannot_become_a_macro(self):
        self.assertEqual(manual.escape(".so /etc/passwd"), "\\&.so /etc/passwd")
        self.assertEqual(manual.escape("a\\b `--c` x-y"), "a\\eb \\fB\\-\\-c\\fR x-y")

    def test_a_frame_gets_what_it_asks_for_and_nothing_unknown(self):
        command = cli_help.parse("", HELP)
        page = manual.page("@version@\n@options@\n@footer@\n", command, {}, [], "1.2")
        self.assertIn("\\fB\\-j\\fR, \\fB\\-\\-jobs\\fR \\fIN\\fR", page)
        self.assertIn("How; one of off, open, all (default open)", page)
        self.assertIn("Set back.\n.PP\nExit status", page)
        with self.assertRaises(cli_help.Failure):
            manual.page("@nonsense@\n", command, {}, [], "1.2")


class Completion(unittest.TestCase):
    def test_the_kind_of_a_value_is_read_from_its_name(self):
        kinds = {o.names[-1]: completion.kind_of(o)
                 for o in cli_help.parse("run", HELP).options}
        self.assertEqual(kinds, {"--help": "", "--quiet": "", "--policy": "policy",
                                 "--jobs": "none", "--mode": "words:off open all",
                                 "--bind": "none", "--title": "none"})

    def test_what_zsh_would_read_as_its_own_is_escaped(self):
        run = cli_help.parse("run", HELP)._replace(summary="Runs: something")
        text = zsh_completion.zsh(cli_help.Command("", "", "", (), run.options, (run,), ""), ["x"])
        self.assertIn("'*--bind=[A bind]:SRC\\:DST[\\:ro|rw]: '", text)
        self.assertIn("'(-j --jobs)-j+[How many]:N: '", text.replace("Jobs at a time", "How many"))
        self.assertIn("'(--mode)--mode=[How]:TEXT:(off open all)'", text)
        self.assertIn("'1:POLICY:_cordon_policy'", text)
        self.assertIn("'run:Runs: something'", text)
        self.assertEqual(zsh_completion._escaped("a]b\\", "[]"), "a\\]b\\\\")


if __name__ == "__main__":
    unittest.main()
