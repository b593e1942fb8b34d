#!/usr/bin/env python3
"""Times one pass from a Hugging Face checkpoint to a quantized GGUF against llama.cpp's own quantizer.

  quantize.py PROGRAM PEER NPM_DIR [--folder DIR] [--scale 1.0] [--recipes Q4_K_M,Q8_0,IQ4_XS] [--threads 2] [--repeat 3] [--json]

PEER is build/tests/peer/peer_quantize, NPM_DIR holds node_modules/@node-llama-cpp/linux-x64. The checkpoint has the shapes of
TinyLlama, 1.1 billion bf16 weights in two shards (--scale takes fewer layers, below 0.1 narrower ones); it is made in
--folder, 2.2 GB and as much again for its BF16 GGUF, and found there by the next run. heirloom reads the checkpoint;
llama_model_quantize, which cannot, the GGUF. They take turns with as many threads each; the medians of the paired ratios
count. heirloom's time includes writing through to the disk (fsync), llama.cpp's does not. Afterwards every tensor of the
two files must have the same SHA-256. Needs numpy.
"""
import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import namedtuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import dump_gguf  # noqa: E402
import watched  # noqa: E402

FILE_TYPES = {"Q4_0": 2, "Q8_0": 7, "Q2_K": 10, "Q3_K_M": 12, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30}
LAYERS = 22

Run = namedtuple("Run", "wall processor peak")


def make_checkpoint(folder, scale):
    """The folder of the checkpoint, which is made unless it is there in full."""
    path = os.path.join(folder, f"llama-{scale:g}")
    if not os.path.exists(os.path.join(path, "complete")):
        shutil.rmtree(path, ignore_errors=True)
        script = os.path.join(os.path.dirname(dump_gguf.__file__), "make_checkpoint.py")
        narrow = ("--hidden", "512", "--ffn", "1536", "--heads", "8", "--kv", "2") if scale < 0.1 else ()
        subprocess.run([sys.executable, script, "LlamaForCausalLM.tinyllama1b", path, "--shards", "2",
                        "--layers", str(max(2, round(LAYERS * scale))), *narrow], check=True, stdout=sys.stderr)
        open(os.path.join(path, "complete"), "w").close()
    return path


def read_once(*paths):
    """Puts files into the page cache, so that no run is the first to read them."""
    for path in paths:
        names = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path]
        for name in names:
            with open(name, "rb") as file:
                while file.read(1 << 24):
                    pass


def measure(command, output):
    if os.path.exists(output):
        os.remove(output)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = watched.Watched(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.code != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.code}\n{done.err[-2000:]}")
    return Run(done.seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.peak)


def tensors(path):
    return {t["name"]: (t["ggml_type"], t["shape"], t["sha256"]) for t in dump_gguf.dump(path)["tensors"]}


def compare(options, source, gguf, recipe, folder):
    outputs = [os.path.join(folder, side + ".gguf") for side in ("heirloom", "llama_cpp")]
    libraries = os.path.join(options.npm, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
    threads = str(options.threads)
    commands = [[options.program, "convert", source, outputs[0], "--quantize", recipe, "--threads", threads, "--force"],
                [options.peer, libraries, gguf, outputs[1], str(FILE_TYPES[recipe]), "--threads", threads]]
    runs = [[], []]
    for turn in range(options.repeat):
        for side in ((0, 1), (1, 0))[turn % 2]:
            runs[side].append(measure(commands[side], outputs[side]))
    is_same = tensors(outputs[0]) == tensors(outputs[1])
    size = os.path.getsize(outputs[0])
    for output in outputs:
        os.remove(output)
    return row_of(recipe, runs, is_same, size)


def row_of(recipe, runs, is_same, size):
    median = lambda side, field: statistics.median(getattr(run, field) for run in runs[side])
    ratio = lambda field: statistics.median(getattr(b, field) / getattr(a, field) for a, b in zip(*runs))
    return {"recipe": recipe, "output_bytes": size,
            "wall_seconds": median(0, "wall"), "llama_cpp_wall_seconds": median(1, "wall"), "wall_ratio": ratio("wall"),
            "processor_seconds": median(0, "processor"), "llama_cpp_processor_seconds": median(1, "processor"),
            "processor_ratio": ratio("processor"),
            "peak_anonymous_bytes": max(run.peak for run in runs[0]),
            "llama_cpp_peak_anonymous_bytes": max(run.peak for run in runs[1]), "same_tensors": is_same}


def print_row(row):
    print(f"{row['recipe']:8} {row['wall_seconds']:8.2f} {row['llama_cpp_wall_seconds']:9.2f} {row['wall_ratio']:7.2f} "
          f"{row['processor_seconds']:9.2f} {row['llama_cpp_processor_seconds']:9.2f} {row['processor_ratio']:7.2f} "
          f"{row['peak_anonymous_bytes'] / 2 ** 20:8.0f} {row['llama_cpp_peak_anonymous_bytes'] / 2 ** 20:9.0f}  "
          f"{'same' if row['same_tensors'] else 'DIFFERENT'}", flush=True)


def processor_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("peer")
    parser.add_argument("npm")
    parser.add_argument("--folder", help="where to write (default: a temporary folder, deleted at the end)")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--recipes", default="Q4_K_M,Q8_0,IQ4_XS")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.recipes.split(",")) - FILE_TYPES.keys()
    if unknown:
        parser.error(f"recipes are {', '.join(FILE_TYPES)}; not {', '.join(sorted(unknown))}")
    folder = options.folder or tempfile.mkdtemp(prefix="heirloom-bench-")
    try:
        os.makedirs(folder, exist_ok=True)
        source = make_checkpoint(folder, options.scale)
        gguf = os.path.join(folder, f"llama-{options.scale:g}-bf16.gguf")
        if not os.path.exists(gguf):
            subprocess.run([options.program, "convert", source, gguf, "--quantize", "BF16"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        read_once(source, gguf)
        weights = sum(os.path.getsize(os.path.join(source, n)) for n in os.listdir(source) if n.endswith(".safetensors")) // 2
        if not options.json:
            print(f"{weights / 1e9:.2f} billion weights, {options.threads} threads each, {processor_name()}, {datetime.date.today()}\n"
                  f"{'recipe':8} {'wall s':>8} {'llama.cpp':>9} {'ratio':>7} {'CPU s':>9} {'llama.cpp':>9} {'ratio':>7} {'peak MiB':>8} {'llama.cpp':>9}  tensors")
        rows = []
        for recipe in options.recipes.split(","):
            rows.append(compare(options, source, gguf, recipe, folder))
            if not options.json:
                print_row(rows[-1])
        if options.json:
            print(json.dumps({"machine": processor_name(), "date": str(datetime.date.today()), "weights": weights,
                              "threads": options.threads, "rows": rows}, indent=1))
        return 0 if all(row["same_tensors"] for row in rows) else 1
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
