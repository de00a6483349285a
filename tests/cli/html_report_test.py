# SPDX-License-Identifier: Apache-2.0
"""The page of a batch in a real browser: offline, quiet, drawn, usable, and deaf to what jobs say.

Run by ctest: html_report_test.py --cordon PROGRAM [unittest options]. No job is run: the results
are made up (html_results.py) and become pages by `cordon report`. CORDON_SCREENSHOTS=FOLDER keeps
pictures to look at.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import chromium
import command_line
import html_results as results


CORDON = ""
PICTURES = os.environ.get("CORDON_SCREENSHOTS", "")
MOST_BYTES = 2_000_000

# Rectangles of all text that is shown; those that lie over each other are returned.
OVERLAPS = """(() => {
  const boxes = [];
  const walker = document.createTreeWalker(document.getElementById("report"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || node.parentElement.closest(".hidden, select, details:not([open])"))
      continue;
    if (!node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      // What an ellipsis hides is not there.
      let [left, right] = [box.left, box.right];
      for (let up = node.parentElement; up; up = up.parentElement) {
        if (getComputedStyle(up).overflowX === "visible") continue;
        const edge = up.getBoundingClientRect();
        [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
      }
      if (right - left > 1) boxes.push([left, box.top, right, box.bottom, node.data.trim()]);
    }
  }
  boxes.sort((a, b) => a[1] - b[1]);
  const found = [];
  boxes.forEach((a, at) => {
    for (let next = at + 1; next < boxes.length && boxes[next][1] < a[3]; next += 1) {
      const b = boxes[next];
      const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
      const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
      if (wide > 1.5 && high > 4 && a[4] !== b[4]) found.push(`${a[4]} | ${b[4]}`);
    }
  });
  return found;
})()"""
ROWS = "document.querySelectorAll('tr.row').length"
NAMES = "[...document.querySelectorAll('tr.row button.job')].map(each => each.textContent)"
OPEN_ALL = "document.querySelectorAll('button.job').forEach(each => each.click())"


def count(selector):
    return f"document.querySelectorAll({selector!r}).length"


class PageTest(unittest.TestCase):
    browser = None

    @classmethod
    def setUpClass(cls):
        path = chromium.program()
        if path is None:
            raise unittest.SkipTest("needs a browser (Debian package chromium)")
        cls.folder = tempfile.mkdtemp(prefix="cordon_html_")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.browser = chromium.Browser(path)
        cls.addClassCleanup(cls.browser.close)

    def made(self, jobs, name="results", *flags):
        """The file of the page of these results."""
        lines = results.write_lines(os.path.join(self.folder, f"{name}.jsonl"), jobs)
        page = os.path.join(self.folder, f"{name}.html")
        done = subprocess.run([CORDON, "report", lines, "--html", page, *flags], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return page

    def opened(self, file, width=1280, height=900):
        page = chromium.Page(self.browser, width, height)
        self.addCleanup(page.close)
        page.open("file://" + file)
        return page

    def shown(self, jobs, name="results", *flags, width=1280):
        return self.opened(self.made(jobs, name, *flags), width)

    def assert_quiet(self, page):
        """Not a word in the console, and no request but the file itself."""
        self.assertEqual(page.said(), [])
        self.assertEqual(len(page.requests()), 1, page.requests())
        self.assertTrue(page.requests()[0].startswith("file://"))

    def picture(self, page, name):
        if PICTURES:
            page.screenshot(os.path.join(PICTURES, f"{name}.png"))


class Contents(PageTest):
    def test_it_is_offline_quiet_and_complete(self):
        jobs = results.mixed()
        page = self.shown(jobs, "mixed", "--title", "Mixed jobs")
        self.assertEqual(page.value("document.title"), "Mixed jobs")
        self.assertEqual(page.value(ROWS), len(jobs))
        self.assertEqual(page.value(NAMES), [each["name"] for each in jobs])
        tiles = page.value("[...document.querySelectorAll('.tile')].slice(0, 4)"
                           ".map(each => each.innerText.split('\\n').filter(word => word))")
        self.assertEqual(tiles, [["As expected", "20"], ["Unexpected", "6"], ["Skipped", "1"],
                                 ["Not run", "1"]])
        self.assertIn("case/loop", page.value(
            "document.querySelector('.tile.slowest').innerText"))
        verdicts = dict(page.value(
            "[...document.querySelectorAll('.verdicts li')].map(each => "
            "[each.querySelector('.word').textContent, each.querySelector('.count').textContent])"))
        self.assertEqual(verdicts["EXITED"], "21 · 2 unexpected")
        self.assertEqual(verdicts["CPU_LIMIT"], "1")
        self.assertEqual(verdicts["SETUP_FAILED"], "1 · 1 unexpected")
        self.assert_quiet(page)
        self.picture(page, "mixed-1280")

    def test_each_job_shows_how_its_verdict_is_known(self):
        page = self.shown(results.mixed())
        page.value(OPEN_ALL)
        page.frame()
        words = page.value("document.querySelector('tr[data-detail=\"20\"]').innerText")
        for each in ("cgroup.memory.oom_kill", "memory.oom_control", "134217728\n128 MiB",
                     "memory, peak", "100 %", "/proc/PID/mountinfo", "tried by a twin",
                     "not available", "10 steps", "Processors in use"):
            self.assertIn(each, words)
        self.assertIn("hint: make it, or mark the bind optional", page.value(
            "document.querySelector('.list').innerText"))
        self.assertIn("socket(AF_INET=2, 1, 0)", page.value(
            "document.querySelector('tr[data-detail=\"23\"]').innerText"))
        denied = page.value("document.querySelector('tr[data-detail=\"24\"]').innerText")
        for each in ("What was denied", "/data/secret", "decided by landlock.file[0].access",
                     'landlock { file { path: "/data" access: WRITE } }', "a lint's word",
                     "Not known: apparmor: the log takes few lines at a time"):
            self.assertIn(each, denied)
        # The bar of the memory that was used up is full, and the one of the loop's processor time.
        self.assertEqual(page.value(count(".usage .fill.over")), 2)
        self.assert_quiet(page)
        self.picture(page, "mixed-open")

    def test_sandboxes_of_one_job_have_their_own_parts(self):
        inner = [{"name": name, "ended_after": "0.25s", "report": results.job(
            name, verdict=verdict)["report"]} for name, verdict in (
                ("grader", "EXITED"), ("contestant", "DEADLOCK"))]
        page = self.shown([results.job("talk", verdict="DEADLOCK", sandbox=inner, stream=[
            {"from": "grader.stdout", "to": "contestant.stdin", "bytes": "12", "cut": True}])])
        page.value(OPEN_ALL)
        page.frame()
        titles = page.value("[...document.querySelectorAll('.sandbox h3')].map(each => "
                            "each.innerText.split('\\n').join(' '))")
        self.assertEqual(titles, ["grader EXITED 0 ended after 250 ms",
                                  "contestant DEADLOCK ended after 250 ms"])
        self.assertEqual(page.value(count(".sandbox .layers")), 2)
        self.assertEqual(page.value(count(".sandbox .usage")), 2)
        self.assertIn("the reader was gone first", page.value("document.body.innerText"))
        self.assertEqual(page.value(OVERLAPS), [])
        self.assert_quiet(page)
        self.picture(page, "sandboxes")

    def test_plots_are_drawn(self):
        page = self.shown(results.mixed())
        page.value(OPEN_ALL)
        page.frame()
        self.assertEqual(page.value(count(".panel svg")), 2)
        self.assertGreater(page.value(count(".panel svg rect.mark.good")), 5)
        self.assertGreater(page.value(count(".panel svg rect.mark.bad")), 0)
        self.assertGreater(page.value(count(".panel svg text.tick")), 6)
        # One stroke of the strip per measured job, in both plots.
        strokes = page.value("[...document.querySelectorAll('.strip')]"
                             ".reduce((all, each) => all + each.getAttribute('d').split('M').length"
                             " - 1, 0)")
        self.assertEqual(strokes, 2 * 25)
        # Each job with samples has its courses: processors, memory, processes.
        self.assertEqual(page.value(count("path.course.cpu")), 20)
        self.assertEqual(page.value(count("path.course.memory")), 20)
        self.assertEqual(page.value(count("path.course.pids")), 20)
        sizes = page.value("[...document.querySelectorAll('path.course')].map(each => "
                           "each.getBoundingClientRect()).map(box => [box.width, box.height])")
        self.assertTrue(all(wide > 100 for wide, _ in sizes), sizes)
        # A steady load is a level line, whatever the first sample has seen and however late one is
        # taken.
        levels = page.value("[...document.querySelectorAll('path.course.cpu')].map(each => "
                            "each.getBoundingClientRect().height)")
        self.assertLess(max(levels), 3, levels)
        # The memory's course rises over most of its plot.
        memory = page.value("[...document.querySelectorAll('path.course.memory')].map(each => "
                            "each.getBoundingClientRect().height)")
        self.assertTrue(all(high > 30 for high in memory), memory)
        self.assertGreater(page.value(count("line.limit")), 0)

    def test_labels_of_axes_keep_apart_whatever_the_times_are(self):
        for least, most in ((0.0784, 7.32), (1e-6, 1e-6), (0.9, 1.1), (1e-5, 4e3), (0.011, 0.97)):
            jobs = [results.job(f"j{at}", cpu=least * (most / least) ** (at / 8),
                                wall=least * (most / least) ** (at / 8)) for at in range(9)]
            page = self.shown(jobs)
            for width in (1280, 794, 420):
                page.resize(width, 900)
                page.frame()
                self.assertEqual(page.value(OVERLAPS), [], (least, most, width))
                self.assertGreaterEqual(page.value(count(".panel .tick")), 4)

    def test_nothing_at_all(self):
        lines = os.path.join(self.folder, "none.json")
        with open(lines, "w", encoding="ascii") as file:
            file.write("{}\n")
        out = os.path.join(self.folder, "none.html")
        subprocess.run([CORDON, "report", lines, "--html", out], check=True)
        page = self.opened(out)
        self.assertIn("There is no job.", page.value("document.body.innerText"))
        self.assertIn("No job has been measured.", page.value("document.body.innerText"))
        self.assert_quiet(page)
        self.picture(page, "none")


class Use(PageTest):
    def test_filters_and_order(self):
        page = self.shown(results.mixed())
        type_in = ("(words => { const find = document.getElementById('find'); find.value = words; "
                   "find.dispatchEvent(new Event('input')); })")
        page.value(f"{type_in}('case/0 judge')")
        self.assertEqual(page.value(ROWS), 10)
        self.assertEqual(page.value("document.querySelector('.controls .count').textContent"),
                         "10 of 28 jobs")
        page.value(f"{type_in}('nothing has this name')")
        self.assertEqual(page.value(ROWS), 0)
        self.assertIn("No job matches.", page.value("document.querySelector('.none').innerText"))
        self.picture(page, "no-match")
        page.value("document.querySelector('.none button').click()")
        self.assertEqual(page.value(ROWS), 28)
        page.value("document.getElementById('unexpected').click()")
        self.assertEqual(page.value(NAMES), ["case/memory", "case/crash", "case/exit",
                                             "case/socket", "case/denied", "setup"])
        page.value("document.getElementById('unexpected').click()")
        page.value("{ const choice = document.getElementById('verdict'); choice.value = "
                   "'MEMORY_LIMIT'; choice.dispatchEvent(new Event('change')); }")
        self.assertEqual(page.value(NAMES), ["case/memory"])
        page.value("[...document.querySelectorAll('.verdicts button')].find(each => "
                   "each.innerText.includes('CPU_LIMIT')).click()")
        self.assertEqual(page.value(NAMES), ["case/loop"])
        page.value(f"{type_in}('')")
        page.value("document.getElementById('verdict').value = ''; "
                   "document.getElementById('verdict').dispatchEvent(new Event('change'))")
        head = "[...document.querySelectorAll('.jobs th button')].find(each => " \
               "each.textContent === 'Wall')"
        self.assertNotEqual(page.value(NAMES)[-1], "case/loop")
        page.value(f"{head}.click()")
        self.assertEqual(page.value(f"{head}.parentElement.ariaSort"), "ascending")
        self.assertEqual(page.value(NAMES)[-1], "case/loop")
        page.value(f"{head}.click()")
        self.assertEqual(page.value(NAMES)[0], "case/loop")
        page.value(f"{head}.click()")
        self.assertEqual(page.value(NAMES)[0], "compile")
        self.assert_quiet(page)

    def test_by_keyboard_alone(self):
        page = self.shown(results.mixed())
        page.key("/", "/")
        self.assertEqual(page.value("document.activeElement.id"), "find")
        page.write("crash")
        # The job itself, and the one that was skipped because of it.
        self.assertEqual(page.value(NAMES), ["case/crash", "later"])
        page.key("ArrowDown")
        self.assertEqual(page.value("document.activeElement.textContent"), "case/crash")
        page.key("Enter")
        self.assertEqual(page.value("document.activeElement.ariaExpanded"), "true")
        self.assertEqual(page.value(count(".detail-row")), 1)
        page.key("Enter")
        self.assertEqual(page.value(count(".detail-row")), 0)
        page.key("ArrowUp")
        page.key("Escape")
        self.assertEqual(page.value(ROWS), 28)
        # Tab reaches everything that can be pressed.
        hidden = page.value("[...document.querySelectorAll('button, input, select')]"
                            ".filter(each => each.tabIndex < 0).length")
        self.assertEqual(hidden, 0)
        self.assert_quiet(page)

    def test_a_link_to_a_job_opens_it(self):
        file = self.made(results.mixed())
        page = chromium.Page(self.browser)
        self.addCleanup(page.close)
        page.open(f"file://{file}#job=case%2Fmemory")
        self.assertEqual(page.value("document.activeElement.textContent"), "case/memory")
        self.assertEqual(page.value(count(".detail-row")), 1)
        page.value("window.location.hash = '#job=%'")
        page.frame()
        self.assertEqual(page.said(), [])

    def test_nothing_lies_over_anything_in_any_size_and_scheme(self):
        page = self.shown(results.mixed())
        page.value("[...document.querySelectorAll('button.job')].slice(-9).forEach("
                   "each => each.click())")
        for width in (1280, 900, 420):
            for scheme in ("light", "dark"):
                page.media("", scheme)
                page.resize(width, 900)
                page.frame()
                with self.subTest(width=width, scheme=scheme):
                    self.assertEqual(page.value(OVERLAPS), [])
                    self.assertLessEqual(page.value("document.documentElement.scrollWidth"), width)
                    self.assertEqual(page.value("document.querySelector('.panel svg')"
                                                ".getBoundingClientRect().right <= innerWidth"),
                                     True)
                self.picture(page, f"open-{width}-{scheme}")
        light = page.value("getComputedStyle(document.body).backgroundColor")
        page.media("", "light")
        self.assertNotEqual(light, page.value("getComputedStyle(document.body).backgroundColor"))
        # The look itself can find something: two lines moved into each other.
        page.value("document.querySelector('h1').style.marginBottom = '-30px'")
        self.assertNotEqual(page.value(OVERLAPS), [])

    def test_on_paper(self):
        page = self.shown(results.mixed())
        page.media("print")
        self.assertEqual(page.value("getComputedStyle(document.querySelector('.controls'))"
                                    ".display"), "none")
        pdf = page.call("Page.printToPDF")["data"]
        self.assertGreater(len(pdf), 20_000)

    def test_without_scripts_it_says_where_the_results_are(self):
        file = self.made(results.mixed())
        page = chromium.Page(self.browser)
        self.addCleanup(page.close)
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.load("file://" + file)
        tree = page.call("Accessibility.getFullAXTree")["nodes"]
        self.assertTrue(any("--report" in str(node.get("name", {}).get("value", ""))
                            for node in tree))


class Size(PageTest):
    def test_ten_thousand_jobs(self):
        file = self.made(results.many(10_000), "many")
        self.assertLess(os.path.getsize(file), MOST_BYTES)
        page = self.opened(file)
        self.assertEqual(page.value(ROWS), 100)
        self.assertEqual(page.value("document.querySelector('.range').textContent"),
                         "1 to 100 of 10,000")
        self.assertLess(page.value(count("*")), 3000)
        page.value("document.querySelectorAll('.pager button')[1].click()")
        self.assertEqual(page.value(NAMES)[0], "group-00/case-00100")
        page.value("document.getElementById('unexpected').click()")
        self.assertEqual(page.value(ROWS), 25)
        page.value(OPEN_ALL)
        page.frame()
        # What was not as expected keeps its details; of the others some are gone, and it says so.
        self.assertEqual(page.value(count(".detail .layers")), 25)
        self.assertEqual(page.value(count("path.course.memory")), 25)
        trimmed = page.value("document.querySelector('.trimmed').innerText")
        self.assertRegex(trimmed, r"the details of [\d,]+ of 10,000 jobs")
        self.assertRegex(trimmed, r"the courses of [\d,]+ of 10,000 jobs")
        self.assert_quiet(page)
        page.value("document.getElementById('unexpected').click()")
        self.picture(page, "many")

    def test_a_small_one_leaves_nothing_out(self):
        page = self.shown(results.mixed())
        self.assertEqual(page.value(count(".trimmed")), 0)


class Hostile(PageTest):
    @staticmethod
    def soon(condition):
        deadline = time.monotonic() + 30
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def tried(self, page):
        page.value(OPEN_ALL)
        page.frame()
        return page.value("window.pwned === undefined ? 0 : window.pwned")

    def test_what_jobs_say_is_text(self):
        file = self.made(results.hostile(), "hostile", "--title", results.HOSTILE[4])
        page = self.opened(file)
        self.assertEqual(self.tried(page), 0)
        self.assertEqual(page.value(count("img, iframe, object, embed, link, a, form, base")), 0)
        self.assertEqual(page.value(count("script")), 2)
        self.assertEqual(page.value(count("[onload], [onerror], [onclick], [style*=url]")), 0)
        self.assertEqual(page.value("document.title"), results.HOSTILE[4])
        self.assertEqual(page.value(NAMES)[:6], list(results.HOSTILE[:6]))
        self.assertEqual(page.value(NAMES)[-2:], ["__proto__", "constructor"])
        words = page.value("document.body.innerText")
        for each in results.HOSTILE[:6]:
            self.assertGreater(words.count(each), 9, each)
        # What turns text around or drives a terminal is shown and has no effect.
        self.assertIn("\\u202egnp.exe\\x00\\x1b[31m&lt;b&gt;&amp;", words)
        self.assertIsNone(re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00\x1b]", words))
        self.assert_quiet(page)
        self.picture(page, "hostile")

    def damaged(self, name, *changes):
        """The page of hostile results without one of its defences."""
        with open(self.made(results.hostile(), name), encoding="utf-8") as file:
            text = file.read()
        for before, after in changes:
            changed = re.sub(before, lambda match, words=after: words, text)
            self.assertNotEqual(changed, text, before)
            text = changed
        path = os.path.join(self.folder, f"{name}-damaged.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_the_attacks_work_where_nothing_is_escaped(self):
        page = self.opened(self.damaged("bare", (r"<meta http-equiv=[^>]*>", ""), (r"\\u003c", "<"),
                                        (r"\\u003e", ">")))
        self.assertTrue(self.soon(lambda: page.value("window.pwned !== undefined")))

    def test_the_policy_of_the_page_holds_where_nothing_is_escaped(self):
        page = self.opened(self.damaged("policy", (r"\\u003c", "<"), (r"\\u003e", ">")))
        self.assertTrue(self.soon(lambda: "Content Security Policy" in " ".join(page.said())))
        page.frame()
        self.assertEqual(page.value("window.pwned === undefined ? 0 : window.pwned"), 0)

    def test_no_other_script_than_its_own_is_run(self):
        page = self.opened(self.damaged("script", (r'\n"use strict";\n',
                                                   '\n"use strict";\nwindow.pwned = 1;\n')))
        self.assertEqual(page.value("window.pwned === undefined ? 0 : window.pwned"), 0)
        self.assertEqual(page.value(ROWS), 0)
        page = self.shown(results.mixed())
        with self.assertRaisesRegex(chromium.Broken, "TrustedHTML"):
            page.value("document.body.innerHTML = '<b>x</b>'")


class Demo(PageTest):
    """The page of the demo: CORDON_DEMO_PAGE, or that of a few of its submissions, judged here."""

    DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "demo",
                        "demo.py")

    def page_of_the_demo(self):
        file = os.environ.get("CORDON_DEMO_PAGE", "")
        if file:
            return os.path.abspath(file), 20
        file = os.path.join(self.folder, "demo.html")
        done = subprocess.run(
            [sys.executable, self.DEMO, "--cordon", CORDON, "--no-ci", "--html", file, "--only",
             "accepted/sum.c", "--only", "memory_bomb.cc", "--only", "hostile/loop.c", "--only",
             "hostile/socket.c"], check=False, capture_output=True, text=True)
        if done.returncode == 3:
            self.skipTest("needs what the profiles of the demo require: "
                          + done.stderr.splitlines()[1])
        self.assertIn("the same as a page: ", done.stdout, done.stderr)
        return file, 4

    def test_it_is_small_quiet_and_drawn(self):
        file, least = self.page_of_the_demo()
        self.assertLess(os.path.getsize(file), MOST_BYTES)
        page = self.opened(file)
        self.assertGreaterEqual(page.value(ROWS), least)
        self.assertIn("hostile/memory_bomb.cc", page.value(NAMES))
        self.assertGreater(page.value(count(".panel svg rect.mark.good")), 1)
        self.picture(page, "demo-1280")
        # Everything but the jobs that were skipped because a toolchain is not there.
        page.value(OPEN_ALL)
        page.frame()
        for part in (".usage", ".evidence", ".layers", ".steps"):
            without = page.value(
                "[...document.querySelectorAll('tr.row:not(.skip)')].filter(row => "
                f"!row.nextSibling.querySelector('{part}')).map(row => row.innerText)")
            self.assertEqual(without, [], part)
        memory = page.value("[...document.querySelectorAll('tr.row')].find(row => row.innerText"
                            ".includes('memory_bomb.cc')).nextSibling.innerText")
        self.assertRegex(memory, r"memory, peak\s+64\.\d MiB\s+64\.0 MiB\s+100 %")
        self.assertEqual(page.value(OVERLAPS), [])
        self.assert_quiet(page)
        self.picture(page, "demo-open")


def main() -> None:
    global CORDON  # pylint: disable=global-statement
    CORDON = command_line.take("cordon").cordon
    command_line.run("html_report")


if __name__ == "__main__":
    main()
