#!/usr/bin/env python3
"""Times conversions that rearrange: many experts stacked, matrices transposed, columns of several tensors side by side.

  rearrange.py PROGRAM [--mib 512] [--repeat 3] [--threads N] [--memory SIZE] [--folder DIR]

The same bytes are converted five times, each with a map of its own (--arch-map), and copied by `cp`; speeds are over that of
the map that moves nothing. The checkpoint is read once before timing, so that all rows start from a warm cache.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import convert  # noqa: E402
import make_checkpoint  # noqa: E402
import make_large  # noqa: E402

EXPERTS, ROWS, COLUMNS = 128, 768, 2048
RANKS = 8


def rules(names, **fields):
    rule = dict({"shape": [str(ROWS), str(COLUMNS)]}, **fields)
    side = {"hf": names} if isinstance(names, str) else {"hf_parts": names}
    return [dict(side, **rule)]


MAPS = {
    "as they are": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.experts.{e}.w", verbs=[])),
    "128 experts stacked": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.exps", verbs=[{"verb": "stack"}])),
    "each transposed": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.experts.{e}.w", verbs=[{"verb": "transpose"}])),
    "stacked and transposed": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.exps", verbs=[{"verb": "stack"}, {"verb": "transpose"}])),
    "one matrix, transposed": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.w", verbs=[{"verb": "concat", "axis": 0}, {"verb": "transpose"}])),
    "columns side by side": ("model.layers.{i}.experts.{e}.w", dict(gguf="blk.{i}.w", verbs=[{"verb": "concat", "axis": 1}])),
}


def make(folder, mib):
    """A checkpoint of nothing but experts, in layers of 128."""
    defaults = argparse.Namespace(dtype="bf16", seed=1, shards=1, hidden=0, ffn=0, layers=1, heads=0, kv=0, experts=0, vocab=0)
    model = make_checkpoint.build("LlamaForCausalLM", folder, defaults)
    layers = max(1, (mib << 20) // (EXPERTS * ROWS * COLUMNS * 2))
    model.cfg.update(architectures=["RearrangedForCausalLM"], num_hidden_layers=layers, num_experts=EXPERTS)
    make_checkpoint.jdump(os.path.join(folder, "config.json"), model.cfg)
    tensors = [(f"model.layers.{i}.experts.{e}.w", (ROWS, COLUMNS)) for i in range(layers) for e in range(EXPERTS)]
    return make_large.write_shard(os.path.join(folder, "model.safetensors"), tensors, make_large.block_of_weights())


def write_map(path, names, fields):
    document = {"id": "rearranged", "title": "Rearranged", "since": "0.1.0", "hf_classes": ["RearrangedForCausalLM"],
                "model_type": "llama", "gguf_name": "llama", "layers": "num_hidden_layers", "tokenizers": ["sentencepiece", "bpe"],
                "tensors": rules(names, experts="num_experts", **fields),
                "keys": [{"gguf": "general.file_type", "type": "u32", "derive": "file_type", "back": False}]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", default=str(os.cpu_count()))
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--folder", help="where to write (default: the system's temporary folder)")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="heirloom-bench-", dir=options.folder)
    try:
        source, output = os.path.join(folder, "model"), os.path.join(folder, "output")
        total = make(source, options.mib)
        print(f"{total / 1e6:.0f} MB of bf16")
        convert.measure("cp -r", ["cp", "-r", "--reflink=never", source, output], output, total, options.repeat)
        for name, (names, fields) in MAPS.items():
            path, gguf = os.path.join(folder, "map.json"), output + ".gguf"
            write_map(path, names, fields)
            convert.measure(name, [options.program, "convert", source, gguf, "--arch-map", path, "--quantize", "BF16", "--threads",
                                   options.threads, "--memory", options.memory, "--force"], gguf, total, options.repeat)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
