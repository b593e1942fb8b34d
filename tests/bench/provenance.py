#!/usr/bin/env python3
"""Times a conversion that leaves a record, and one with the root of the numbers in it, against one that leaves none.

  provenance.py PROGRAM [--folder DIR] [--scale 1.0] [--recipe Q4_K_M] [--threads 2] [--repeat 5]

The checkpoint is quantize.py's. Runs take turns, both ways round; the medians of the paired ratios count. What costs is the
SHA-256 of every source tensor, which is made from bytes that are in memory anyway; that of every output tensor is made without
a record, too. A program that uses other processors than SHA's own instructions pays more: `openssl speed sha256` is printed.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import quantize

RECORD = ("", ".intoto.jsonl", ".tensor-receipts.jsonl", ".metadata-ledger.json")


def remove(output):
    for suffix in RECORD:
        if os.path.exists(output + suffix):
            os.remove(output + suffix)


def sha256_speed():
    """Bytes per second of one core."""
    done = subprocess.run(["openssl", "speed", "-seconds", "1", "-bytes", "1048576", "sha256"], capture_output=True, text=True)
    found = re.search(r"^sha256\s+([\d.]+)k", done.stdout, re.M)
    return float(found.group(1)) * 1000 if found else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--folder", help="where to write (default: a temporary folder, deleted at the end)")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--recipe", default="Q4_K_M")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp(prefix="heirloom-bench-")
    try:
        os.makedirs(folder, exist_ok=True)
        source = quantize.make_checkpoint(folder, options.scale)
        quantize.read_once(source)
        output = os.path.join(folder, "record.gguf")
        ways = {"no record": ["--provenance", "none"], "record": [], "value root": ["--value-root"]}
        runs = {way: [] for way in ways}
        for turn in range(options.repeat):
            for way in list(ways) if turn % 2 == 0 else reversed(list(ways)):
                remove(output)
                runs[way].append(quantize.measure([options.program, "convert", source, output, "--quantize", options.recipe,
                                                   "--threads", str(options.threads), *ways[way]], output))
        remove(output)
        print(f"{options.recipe}, {options.threads} threads, {quantize.processor_name()}, SHA-256 {sha256_speed() / 1e9:.2f} GB/s a core")
        for field in ("wall", "processor"):
            median = {way: statistics.median(getattr(run, field) for run in runs[way]) for way in runs}
            ratio = {way: statistics.median(getattr(b, field) / getattr(a, field) for a, b in zip(runs["no record"], runs[way]))
                     for way in ways}
            print(f"  {field:10}" + "".join(f" {way} {median[way]:.2f} s ({ratio[way]:.3f})" for way in ways))
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
