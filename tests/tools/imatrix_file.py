#!/usr/bin/env python3
"""An independent writer of importance matrices, in both of llama.cpp's formats (formats/facts/imatrix.md).

As a program: `imatrix_file.py MODEL.gguf OUT.gguf|OUT.dat [SEED]` writes a random one for every matrix of a model, and
`imatrix_file.py MODEL.gguf OUT.raw [SEED]` the values that encoders get, for a program that calls llama.cpp:
for each entry `| length u32 | name | count u32 | f32 x count |`.
"""
import random
import struct
import sys

import gguf_file

ARRAY = 9


class Entry:
    """Sums of squares and the number of calls for each of the matrices that a tensor stacks (one, but for experts)."""

    def __init__(self, sums, counts):
        self.sums, self.counts = sums, counts


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def text(value):
    data = value.encode()
    return struct.pack("<i", len(data)) + data


def legacy_bytes(entries, chunks=10, dataset="calibration.txt"):
    """One count for a whole entry: the first. Old files end without `dataset`, or without both (None)."""
    data = struct.pack("<i", len(entries))
    for name, entry in entries.items():
        values = [value for matrix in entry.sums for value in matrix]
        data += text(name) + struct.pack("<ii", entry.counts[0], len(values)) + floats(values)
    if chunks is not None:
        data += struct.pack("<i", chunks)
    if dataset is not None:
        data += text(dataset)
    return data


def texts_attr(key, values):
    return (gguf_file.text(key) + struct.pack("<IIQ", ARRAY, gguf_file.STRING, len(values)) +
            b"".join(gguf_file.text(value) for value in values))


def gguf_bytes(entries, chunks=10, datasets=("calibration.txt",), chunk_size=512):
    attrs = [gguf_file.attr("general.type", gguf_file.STRING, "imatrix"), texts_attr("imatrix.datasets", datasets),
             gguf_file.attr("imatrix.chunk_count", gguf_file.UINT32, chunks),
             gguf_file.attr("imatrix.chunk_size", gguf_file.UINT32, chunk_size)]
    tensors = []
    for name, entry in entries.items():
        values = [value for matrix in entry.sums for value in matrix]
        tensors.append((name + ".in_sum2", (len(entry.sums[0]), len(entry.sums)), gguf_file.F32, floats(values)))
        tensors.append((name + ".counts", (1, len(entry.counts)), gguf_file.F32, floats(entry.counts)))
    return gguf_file.padded_bytes(attrs, tensors)


def values(entry, is_legacy=False):
    """What an encoder gets: one f32 for each column of each matrix, divided once in binary32."""
    means = []
    for index, matrix in enumerate(entry.sums):
        count = entry.counts[0 if is_legacy else index]
        for value in matrix:
            means.append(f32(f32(value) / f32(count)) if count > 0 else f32(value) if is_legacy else 1.0)
    return means


def random_entries(shapes, seed=1):
    """`shapes`: {tensor name: (columns, rows, matrices...)}, GGUF's order. Some columns are 0, one expert is never called."""
    entries = {}
    for name, shape in shapes.items():
        dice = random.Random(f"{seed} {name}")
        matrices = shape[2] if len(shape) > 2 else 1
        sums = [[0.0 if dice.random() < 0.02 else f32(dice.random() ** 4 * 1000) for _ in range(shape[0])]
                for _ in range(matrices)]
        counts = [dice.randint(1, 5000) for _ in range(matrices)]
        if matrices > 2:
            counts[1] = 0
        entries[name] = Entry(sums, counts)
    return entries


def entries_for(path, seed=1):
    """A random entry for every matrix of a GGUF but the embeddings, as llama-imatrix leaves them out."""
    import dump_gguf
    tensors = dump_gguf.dump(path)["tensors"]
    return random_entries({tensor["name"]: tensor["shape"] for tensor in tensors
                           if len(tensor["shape"]) > 1 and tensor["name"] not in ("token_embd.weight", "output.weight")}, seed)


def raw_bytes(entries):
    return b"".join(text(name) + struct.pack("<I", len(values(entry))) + floats(values(entry))
                    for name, entry in entries.items())


def main(model, out, seed=1):
    entries = entries_for(model, int(seed))
    make = legacy_bytes if out.endswith(".dat") else raw_bytes if out.endswith(".raw") else gguf_bytes
    with open(out, "wb") as file:
        file.write(make(entries))


if __name__ == "__main__":
    main(*sys.argv[1:])
