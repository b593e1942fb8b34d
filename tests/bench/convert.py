#!/usr/bin/env python3
"""Times whole conversions of a large synthetic checkpoint against `cp` of the same bytes, also to the disk.

  convert.py PROGRAM [--mib 2048] [--shards 2] [--repeat 3] [--threads N,N...] [--folder DIR]

Prints a table: median wall time, processor time, MB of source per second, peak of anonymous memory. The checkpoint is read
once before timing, so that all rows start from a warm cache. Needs numpy, and about three times the size on disk.
"""
import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import make_large  # noqa: E402
import watched  # noqa: E402

RECIPES = ("BF16", "F16", "F32", "Q8_0")


def measure(name, command, output, total, repeat):
    walls, processors, peaks = [], [], []
    for _ in range(repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = watched.Watched(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.code != 0:
            raise SystemExit(f"{' '.join(map(str, command))}: exit {done.code}\n{done.err}")
        walls.append(done.seconds)
        processors.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        peaks.append(done.peak)
        shutil.rmtree(output) if os.path.isdir(output) else os.remove(output)
    wall = statistics.median(walls)
    print(f"{name:24} {wall:8.2f} s {statistics.median(processors):8.2f} CPU s {total / wall / 1e6:8.0f} MB/s "
          f"{max(peaks) / 1e6:8.0f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--mib", type=int, default=2048)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--folder", help="where to write (default: the system's temporary folder)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heirloom-bench-", dir=options.folder)
    try:
        source, output = os.path.join(folder, "model"), os.path.join(folder, "output")
        total, largest = make_large.make(source, options.mib, options.shards)
        print(f"{total / 1e6:.0f} MB of bf16 in {options.shards} shards, the largest tensor has {largest / 1e6:.0f} MB")
        measure("cp -r", ["cp", "-r", "--reflink=never", source, output], output, total, options.repeat)
        # A conversion ends when its output is on the disk.
        measure("cp -r and sync", ["sh", "-c", 'cp -r --reflink=never "$0" "$1" && sync "$1"/*', source, output], output, total, options.repeat)
        for recipe in RECIPES:
            for threads in options.threads.split(","):
                gguf = output + ".gguf"
                measure(f"{recipe}, {threads} threads", [options.program, "convert", source, gguf, "--quantize", recipe, "--threads", threads,
                                                               "--force"],
                        gguf, total, options.repeat)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
