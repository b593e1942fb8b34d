#!/usr/bin/python3
"""Reads safetensors files by the format's rules alone and says what is wrong with them.

    check_safetensors.py FILE.safetensors | DIRECTORY ...     any files, and directories of shards with an index
    check_safetensors.py --writer PROGRAM --scratch DIRECTORY  lets write_safetensors write, and checks values too

Checks of a file: header length, padding and alignment, data without holes, sizes, the writer's order (wide dtypes
first, then names), compact JSON. Of a directory: index against shards, names, total size. Exit 1 when anything is wrong.
"""
import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys

# In the order of the format's own enumeration, with the bits of one element.
DTYPE_BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
              "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32,
              "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
DTYPE_RANK = {name: rank for rank, name in enumerate(DTYPE_BITS)}


class Wrong(Exception):
    pass


def need(condition, *what):
    if not condition:
        raise Wrong(" ".join(str(part) for part in what))


def unique(pairs):
    keys = [key for key, _ in pairs]
    need(len(set(keys)) == len(keys), "duplicate JSON key among", keys)
    return dict(pairs)


def compact(header):
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False)


def check_file(path):
    """{name: (entry, bytes)} in the order of the header."""
    with open(path, "rb") as file:
        content = file.read()
    need(len(content) >= 8, "no room for the header's length")
    size, = struct.unpack_from("<Q", content)
    need(size <= 100_000_000 and 8 + size <= len(content), "header length", size)
    need(size % 8 == 0, "the data begins at byte", 8 + size, "which is not a multiple of 8")
    text = content[8:8 + size].decode("utf-8")
    need(text.startswith("{"), "the header does not begin with {")
    header = json.loads(text, object_pairs_hook=unique)
    need(text.rstrip(" ") == compact(header) and len(text) - len(text.rstrip(" ")) < 8, "the header is not compact JSON")
    names = list(header)
    need("__metadata__" not in names[1:], "metadata does not come first")
    for key, value in header.pop("__metadata__", {}).items():
        need(isinstance(value, str), "metadata", key, "is not text")
    data, end, tensors = content[8 + size:], 0, {}
    for name, entry in header.items():
        need(list(entry) == ["dtype", "shape", "data_offsets"], name, "has the fields", list(entry))
        begin, stop = entry["data_offsets"]
        need(begin == end, name, "begins at", begin, "and not at", end)
        bits = DTYPE_BITS[entry["dtype"]]
        for dimension in entry["shape"]:
            bits *= dimension
        need(bits % 8 == 0 and stop - begin == bits // 8, name, "has", stop - begin, "bytes for", bits, "bits")
        width = DTYPE_BITS[entry["dtype"]] // 8
        need(width == 0 or (8 + size + begin) % width == 0, name, "is not aligned")
        tensors[name] = entry, data[begin:stop]
        end = stop
    need(end == len(data), "the data ends at", end, "of", len(data))
    order = sorted(tensors, key=lambda name: (-DTYPE_RANK[tensors[name][0]["dtype"]], name.encode()))
    need(list(tensors) == order, "tensors are not in the writer's order")
    return tensors


def check_directory(path):
    indexes = [name for name in os.listdir(path) if name.endswith(".safetensors.index.json")]
    shards = sorted(name for name in os.listdir(path) if name.endswith(".safetensors"))
    need(shards, "no safetensors file in", path)
    found, tensors = {}, {}
    for shard in shards:
        for name, tensor in check_file(os.path.join(path, shard)).items():
            need(name not in tensors, name, "is in", shard, "and in", found.get(name))
            tensors[name] = tensor
            found[name] = shard
    if not indexes:
        need(len(shards) == 1, "several files without an index:", shards)
        return tensors
    need(len(indexes) == 1, "several indexes:", indexes)
    with open(os.path.join(path, indexes[0]), encoding="utf-8", newline="") as file:
        text = file.read()
    index = json.loads(text, object_pairs_hook=unique)
    need(text == json.dumps(index, indent=2, sort_keys=True) + "\n", "the index is not sorted and indented by 2")
    need(index["weight_map"] == found, "the index does not say where the tensors are")
    total = sum(len(data) for _, data in tensors.values())
    need(index["metadata"]["total_size"] == total, "total_size is not", total)
    for number, shard in enumerate(shards, 1):
        need(re.fullmatch(rf".*-{number:05}-of-{len(shards):05}\.safetensors", shard), "shard name", shard)
    return tensors


def check_writer(program, scratch):
    """What write_safetensors says of itself: every dtype twice, a scalar and an empty tensor, byte i of tensor t is t + i."""
    shutil.rmtree(scratch, ignore_errors=True)
    subprocess.run([program, scratch], check=True)
    names = [name + dtype for dtype in DTYPE_BITS for name in ("z", 'layers.0."\\\n\x01é')] + ["scalar", "empty"]
    for folder in ("single", "sharded"):
        tensors = check_directory(os.path.join(scratch, folder))
        need(sorted(tensors) == sorted(names), folder, "has the tensors", sorted(tensors))
        for number, name in enumerate(names):
            entry, data = tensors[name]
            need(name.endswith(entry["dtype"]) or name in ("scalar", "empty"), name, "has dtype", entry["dtype"])
            need(data == bytes((number + i) % 256 for i in range(len(data))), folder, name, "has other data")
    need(len(os.listdir(os.path.join(scratch, "single"))) == 1, "single/ has more than one file")
    need(len(os.listdir(os.path.join(scratch, "sharded"))) > 3, "sharded/ is not sharded")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--writer")
    parser.add_argument("--scratch")
    options = parser.parse_args()
    try:
        if options.writer:
            check_writer(options.writer, options.scratch)
        for path in options.paths:
            tensors = (check_directory if os.path.isdir(path) else check_file)(path)
            print(f"{path}: {len(tensors)} tensors, sound")
    except (Wrong, KeyError, ValueError, OSError, subprocess.CalledProcessError) as wrong:
        print(f"wrong: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
