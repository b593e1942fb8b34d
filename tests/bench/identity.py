#!/usr/bin/env python3
"""Times `heirloom id` of a large synthetic checkpoint against OpenSSL's SHA-256 on as many cores.

  identity.py PROGRAM [--mib 2048] [--shards 2] [--repeat 5] [--threads N] [--folder DIR]

Runs take turns with `openssl speed`. Prints bytes hashed a second - with values a bf16 weight is hashed twice, as stored and as f32 -
by the wall clock and by processor time, each over OpenSSL's. The checkpoint is read once before, so that the cache of the system is
warm. Needs numpy and the openssl program.
"""
import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import make_large  # noqa: E402


def timed(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def openssl(threads, by):
    """Bytes a second, by the wall clock on all cores or by processor time on one."""
    command = ["openssl", "speed", "-seconds", "2", "-bytes", str(1 << 20), "-mr"]
    command += ["-elapsed", "-multi", str(threads)] if by == "wall" else []
    return float(re.search(r"\+F:\d+:sha256:([0-9.]+)", timed(command + ["sha256"])[2])[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", help="where to write (default: the system's temporary folder)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heirloom-bench-", dir=options.folder)
    try:
        total, largest = make_large.make(os.path.join(folder, "model"), options.mib, options.shards)
        print(f"{total / 1e6:.0f} MB of bf16, the largest tensor has {largest / 1e6:.0f} MB; {options.threads} threads")
        for name, more, hashed in (("--no-values", ["--no-values"], total), ("with values", [], 3 * total)):
            walls, processors, ratios, processor_ratios = [], [], [], []
            for _ in range(options.repeat):
                wall, processor, _ = timed([options.program, "id", os.path.join(folder, "model"), "--progress", "none", "--threads", str(options.threads), *more])
                walls.append(wall)
                processors.append(processor)
                ratios.append(hashed / wall / openssl(options.threads, "wall"))
                processor_ratios.append(hashed / processor / openssl(1, "processor"))
            print(f"{name:12} {statistics.median(walls):7.2f} s {statistics.median(processors):7.2f} CPU s "
                  f"{hashed / statistics.median(walls) / 1e6:8.0f} MB/s hashed; over openssl: {statistics.median(ratios):5.2f} by the wall clock, "
                  f"{statistics.median(processor_ratios):5.2f} by processor time", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
