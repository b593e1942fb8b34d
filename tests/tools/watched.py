"""Runs a command and watches its memory: the peak of its anonymous pages, which no file backs and no eviction returns."""
import re
import subprocess
import time

RSS_ANON = re.compile(rb"^RssAnon:\s*(\d+) kB", re.M)


def anonymous_bytes(pid):
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            match = RSS_ANON.search(file.read())
    except OSError:
        return 0
    return int(match.group(1)) * 1024 if match else 0


class Watched:
    def __init__(self, command, interval=0.002, **options):
        """Runs to the end. `peak` in bytes, `seconds`, `samples` (how often it was looked at), `code`, `err`."""
        begin, self.peak, self.samples = time.monotonic(), 0, 0
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, **options)
        while process.poll() is None:
            self.peak = max(self.peak, anonymous_bytes(process.pid))
            self.samples += 1
            time.sleep(interval)
        self.err = process.communicate()[1].decode(errors="backslashreplace")
        self.code, self.seconds = process.returncode, time.monotonic() - begin
