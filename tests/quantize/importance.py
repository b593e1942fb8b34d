"""Writes importance matrices in both formats of llama.cpp (formats/facts/gguf.md): the older .dat and GGUF.

`entries`: {tensor name: Entry}. The two files of the same entries say the same: an importance is its sum over the count,
1 where an expert was never called.
"""
import struct
from collections import namedtuple

import gguf_file
import numpy as np

# sums: array [matrices, columns]; counts: one for each matrix.
Entry = namedtuple("Entry", "sums counts")

ARRAY = 9


def synthetic(tensors, seed):
    """Entries for {name: (columns, matrices)}: positive numbers of very different sizes, some channels silent; the last of
    several experts is never called."""
    entries = {}
    for number, (name, (columns, matrices)) in enumerate(sorted(tensors.items())):
        dice = np.random.RandomState(seed * 10007 + number)
        sums = (dice.standard_normal((matrices, columns)) ** 2 * np.exp(2 * dice.standard_normal((matrices, columns)))).astype(np.float32)
        sums[dice.random_sample(sums.shape) < 0.02] = 0
        counts = [float(dice.randint(40, 60))] * matrices
        if matrices > 2:
            counts[-1] = 0.0
            sums[-1] = 0
        entries[name] = Entry(sums, counts)
    return entries


def dat_bytes(entries, dataset="synthetic.txt", chunks=12):
    def text(value):
        return struct.pack("<i", len(value.encode())) + value.encode()
    parts = [struct.pack("<i", len(entries))]
    for name, entry in entries.items():
        calls = int(max(entry.counts))
        sums = entry.sums.copy()
        for matrix, count in enumerate(entry.counts):
            if count == 0:
                sums[matrix] = calls
        parts += [text(name), struct.pack("<ii", calls, sums.size), sums.astype("<f4").tobytes()]
    return b"".join(parts) + struct.pack("<i", chunks) + text(dataset)


def strings(key, values):
    return (gguf_file.text(key) + struct.pack("<IIQ", ARRAY, gguf_file.STRING, len(values))
            + b"".join(gguf_file.text(value) for value in values))


def gguf_bytes(entries, dataset="synthetic.txt", chunks=12):
    attrs = [gguf_file.attr("general.type", gguf_file.STRING, "imatrix"), strings("imatrix.datasets", [dataset]),
             gguf_file.attr("imatrix.chunk_count", gguf_file.UINT32, chunks),
             gguf_file.attr("imatrix.chunk_size", gguf_file.UINT32, 512)]
    tensors = []
    for name, entry in entries.items():
        matrices, columns = entry.sums.shape
        tensors.append((name + ".in_sum2", (columns, matrices), gguf_file.F32, entry.sums.astype("<f4").tobytes()))
        tensors.append((name + ".counts", (1, matrices), gguf_file.F32, np.array(entry.counts, dtype="<f4").tobytes()))
    return padded(gguf_file.file_bytes(attrs, tensors))


def padded(data, alignment=32):
    return data + b"\0" * (-len(data) % alignment)
