#!/usr/bin/env python3
"""Times converting a sharded pytorch_model.bin to safetensors against `cp` of the same bytes to the same disk.

  pytorch.py PROGRAM [--mib 4096] [--shards 4] [--memory 256MiB] [--repeat 3] [--folder DIR]

Rows are measured in turns, both from a warm cache. Prints wall time, processor time, peak of anonymous memory and the ratio
of cp's time to each row's: 1 is as fast as cp. Needs numpy, memory for three shards, and three times the size on disk.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import make_large  # noqa: E402
import torch_zip  # noqa: E402
import watched  # noqa: E402

ROWS, COLUMNS = 8192, 4096


def make(folder, mib, shards):
    """Writes the checkpoint: bf16 matrices of 64 MiB. Returns the bytes of all files."""
    os.makedirs(folder)
    block = numpy.frombuffer(make_large.block_of_weights(), "<u2")
    count, total, places = max(shards, mib // 64), 0, {}
    for index in range(shards):
        name = f"pytorch_model-{index + 1:05d}-of-{shards:05d}.bin"
        tensors = {}
        for number in range(index, count, shards):
            turned = numpy.roll(block, 2 * number + 1)
            tensors[f"layers.{number}.weight"] = torch_zip.tensor("bfloat16", numpy.resize(turned, (ROWS, COLUMNS)))
        data = torch_zip.save(tensors, root="archive")
        total += len(data)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        places.update({tensor: name for tensor in tensors})
    with open(os.path.join(folder, "pytorch_model.bin.index.json"), "w", encoding="utf-8") as file:
        json.dump({"metadata": {"total_size": total}, "weight_map": places}, file)
    return total


def run(command, output):
    """Wall seconds, processor seconds, peak of anonymous memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = watched.Watched(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.code != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.code}\n{done.err}")
    shutil.rmtree(output)
    return done.seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--mib", type=int, default=4096)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--memory", default="256MiB")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", help="where to write (default: the system's temporary folder)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heirloom-bench-", dir=options.folder)
    try:
        source, output = os.path.join(folder, "model"), os.path.join(folder, "output")
        total = make(source, options.mib, options.shards)
        print(f"{total / 1e6:.0f} MB of bf16 in {options.shards} shards")
        convert = [options.program, "convert", source, output + "/", "--memory", options.memory]
        rows = {"cp -r": ["cp", "-r", "--reflink=never", source, output], "convert to safetensors": convert}
        times = {name: [] for name in rows}
        for _ in range(options.repeat):
            for name, command in rows.items():
                times[name].append(run(command, output))
        yardstick = statistics.median(wall for wall, _, _ in times["cp -r"])
        for name, all_runs in times.items():
            wall = statistics.median(run_[0] for run_ in all_runs)
            processor = statistics.median(run_[1] for run_ in all_runs)
            print(f"{name:24} {wall:8.2f} s {processor:8.2f} CPU s {total / wall / 1e6:8.0f} MB/s "
                  f"{max(run_[2] for run_ in all_runs) / 1e6:8.0f} MB  cp/this {yardstick / wall:5.2f}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
