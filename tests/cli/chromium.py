# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that tests drive by the DevTools protocol over a pipe.

Entry points: program, Browser, Page. A Page keeps what the browser says of it: requests, messages
of the console, exceptions. No port is opened, and no name of the network is known to the browser.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any, Dict, List, Optional

PATIENCE = 120  # seconds for one answer; on a loaded host a browser takes its time
FLAGS = ("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
         "--disable-features=Translate,OptimizationHints,MediaRouter", "--hide-scrollbars",
         "--no-pings", "--host-resolver-rules=MAP * ~NOTFOUND", "--password-store=basic")


def program() -> Optional[str]:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    return None


class Broken(Exception):
    """The browser is gone, does not answer, or refuses."""


class Browser:
    """One process; `with` ends it and removes its folder."""

    def __init__(self, path: str):
        self.folder = tempfile.mkdtemp(prefix="cordon_browser_")
        self.last = 0
        self.buffer = b""
        self.events: List[Dict[str, Any]] = []
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()
        flags = list(FLAGS) + [f"--user-data-dir={self.folder}/profile"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # the browser refuses to start as root otherwise

        def place_pipes() -> None:
            # Above the two numbers that the browser wants, whatever they were.
            pair = [os.dup(fd) for fd in (to_browser, from_browser)]
            while min(pair) < 5:
                pair = [os.dup(fd) for fd in pair]
            os.dup2(pair[0], 3)
            os.dup2(pair[1], 4)

        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as log:
            # pylint: disable-next=subprocess-popen-preexec-fn
            self.process = subprocess.Popen(
                [path, *flags, "about:blank"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=place_pipes, close_fds=False, start_new_session=True,
                env={**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": self.folder,
                     "XDG_CACHE_HOME": self.folder})
        os.close(to_browser)
        os.close(from_browser)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        for fd in (self.writer, self.reader):
            os.close(fd)  # the browser ends with its pipe
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method: str, session: Optional[str] = None, **parameters) -> Dict[str, Any]:
        self.last += 1
        wanted = self.last
        message = {"id": wanted, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.writer, data):]
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._next(deadline, method)
            if answer.get("id") == wanted:
                if "error" in answer:
                    raise Broken(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> Dict[str, Any]:
        """The next event of this name that nobody has taken."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._next(deadline, method))

    def _next(self, deadline: float, why: str) -> Dict[str, Any]:
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reader], [], [], left)[0]:
                raise Broken(f"no answer to {why} in {PATIENCE} s")
            data = os.read(self.reader, 1 << 20)
            if not data:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise Broken(f"the browser has ended: {log.read()[-600:]}")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, width: int = 1280, height: int = 900):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target,
                                    flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def call(self, method: str, **parameters) -> Dict[str, Any]:
        return self.browser.call(method, self.session, **parameters)

    def close(self) -> None:
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.events = [event for event in self.browser.events
                               if event.get("sessionId") != self.session]

    def open(self, url: str) -> None:
        self.load(url)
        self.frame()

    def load(self, url: str) -> None:
        """As `open`, for pages without scripts."""
        self.browser.events = [event for event in self.browser.events
                               if event.get("sessionId") != self.session]
        self.call("Page.navigate", url=url)
        self.browser.wait_for("Page.loadEventFired", self.session)

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def media(self, medium: str = "", scheme: str = "light") -> None:
        self.call("Emulation.setEmulatedMedia", media=medium,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; promises are waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Broken(answer["exceptionDetails"].get("exception", {}).get("description", "?"))
        return answer["result"].get("value")

    def frame(self) -> None:
        """Until what was changed is laid out, and observers of sizes have run."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
                   "() => setTimeout(done, 0))))")

    def key(self, key: str, text: str = "") -> None:
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}
        common = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0]))}
        if key == "Enter":
            text = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, words: str) -> None:
        self.call("Input.insertText", text=words)
        self.frame()

    def screenshot(self, path: str, whole: bool = True) -> bytes:
        image = base64.b64decode(self.call("Page.captureScreenshot", format="png",
                                           captureBeyondViewport=whole)["data"])
        if path:
            with open(path, "wb") as file:
                file.write(image)
        return image

    def said(self) -> List[str]:
        """What the page has said that it should not: console, log, exceptions, dialogs."""
        words = []
        for event in self._events():
            method, params = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                words.append(details.get("exception", {}).get("description", details["text"]))
            elif method == "Runtime.consoleAPICalled":
                words.append(f"{params['type']}: " + " ".join(
                    str(each.get("value", each.get("description"))) for each in params["args"]))
            elif method == "Log.entryAdded":
                words.append(f"{params['entry']['level']}: {params['entry']['text']}")
            elif method == "Page.javascriptDialogOpening":
                words.append(f"dialog: {params['message']}")
        return words

    def requests(self) -> List[str]:
        return [event["params"]["request"]["url"] for event in self._events()
                if event["method"] == "Network.requestWillBeSent"]

    def _events(self) -> List[Dict[str, Any]]:
        self.value("1")  # what the page has said before has arrived with the answer
        return [event for event in self.browser.events if event.get("sessionId") == self.session]
