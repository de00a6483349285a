# SPDX-License-Identifier: Apache-2.0
"""What the host of a virtual machine took from its processors, and when.

Entry point: Witness. It needs root, for real-time scheduling; for others it has seen nothing, and
so excuses nothing.
"""

import subprocess
import sys
import threading
import time
from typing import Dict, Iterable, List, Tuple

# In which a witness that was kept from its processor has said so, once it has it again.
SAID = 0.05


def real_time() -> bool:
    """Whether this process may have what a witness needs."""
    script = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


class Witness:
    """One process for each processor (program/witness.c)."""

    def __init__(self, program: str, processors: Iterable[int]):
        self.gaps: Dict[int, List[Tuple[float, float]]] = {}
        self.lock = threading.Lock()
        self.processes: List[subprocess.Popen] = []
        self.threads: List[threading.Thread] = []
        for processor in processors:
            process = subprocess.Popen([program, "witness", str(processor)], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.processes.append(process)
            if process.stdout.readline() == "ready\n":
                self.gaps[processor] = []
                self.threads.append(threading.Thread(target=self._listen,
                                                     args=(processor, process), daemon=True))
                self.threads[-1].start()

    def _listen(self, processor: int, process: subprocess.Popen) -> None:
        for line in process.stdout:
            begin, end = (int(word) / 1e9 for word in line.split())
            with self.lock:
                self.gaps[processor].append((begin, end))

    def taken(self, processors: Iterable[int], begin: float, end: float) -> float:
        """Seconds of time.monotonic() between the two, of these processors together."""
        time.sleep(max(0.0, end + SAID - time.monotonic()))
        with self.lock:
            return sum(max(0.0, min(end, gap[1]) - max(begin, gap[0]))
                       for each in processors for gap in self.gaps.get(each, []))

    def summary(self) -> str:
        with self.lock:
            parts = [f"processor {each}: {len(gaps)} times, "
                     f"{max((end - begin for begin, end in gaps), default=0) * 1000:.1f} ms at most"
                     for each, gaps in self.gaps.items()]
        return "; ".join(parts) or "nobody watched (needs root)"

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        for thread in self.threads:
            thread.join()
        for process in self.processes:
            process.stdout.close()
