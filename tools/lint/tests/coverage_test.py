# SPDX-License-Identifier: Apache-2.0
"""What coverage.py makes of gcov's documents."""

import unittest

import coverage


def document(file: str, *lines) -> dict:
    return {"current_working_directory": "/tree/build-coverage",
            "files": [{"file": file, "lines": [{"line_number": number, "count": count}
                                               for number, count in lines]}]}


def counts_of(*found) -> coverage.Counts:
    counts: coverage.Counts = {}
    for each in found:
        coverage.add(each, "policy", counts)
    return counts


class CoverageTest(unittest.TestCase):

    def test_objects_of_one_file_add_up(self):
        counts = counts_of(document("../policy/base/a.h", (1, 0), (2, 3)),
                           document("/tree/policy/base/a.h", (1, 2), (3, 0)))
        self.assertEqual(counts, {"policy/base/a.h": {1: 2, 2: 3, 3: 0}})
        self.assertEqual(coverage.total(counts), [2, 3])

    def test_other_folders_do_not_count(self):
        self.assertEqual(counts_of(document("policy/proto/policy.pb.cc", (1, 1)),
                                   document("/usr/include/c++/12/map", (1, 1)),
                                   document("../policy2/a.cc", (1, 1))), {})

    def test_the_least_comes_first_and_the_total_last(self):
        text = coverage.report(counts_of(document("../policy/good.cc", (1, 1), (2, 1)),
                                         document("../policy/bpf/bad.cc", (1, 0), (2, 1))))
        self.assertEqual(text[:2], [" 100.0 %      2 of     2  policy/",
                                    "  50.0 %      1 of     2  policy/bpf/"])
        self.assertIn("policy/bpf/bad.cc", text[text.index("the least:") + 1])
        self.assertEqual(text[-1], "  75.0 %      3 of     4  in all")

    def test_documents_are_one_per_line(self):
        self.assertEqual(list(coverage.documents('{"a": 1}\n\n{"a": 2}\n')), [{"a": 1}, {"a": 2}])


if __name__ == "__main__":
    unittest.main()
