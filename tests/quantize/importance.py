"""Importance matrices for the whole-file test, whose two files say the same (tests/tools/imatrix_file.py)."""
import imatrix_file
import numpy as np


def synthetic(tensors, seed):
    """Entries for {name: (columns, matrices)}: positive numbers of very different sizes, some channels silent; the last of
    several experts is never called."""
    entries = {}
    for number, (name, (columns, matrices)) in enumerate(sorted(tensors.items())):
        dice = np.random.RandomState(seed * 10007 + number)
        sums = (dice.standard_normal((matrices, columns)) ** 2 * np.exp(2 * dice.standard_normal((matrices, columns)))).astype(np.float32)
        sums[dice.random_sample(sums.shape) < 0.02] = 0
        counts = [int(dice.randint(40, 60))] * matrices
        if matrices > 2:
            counts[-1] = 0
            sums[-1] = 0
        entries[name] = imatrix_file.Entry(sums.tolist(), counts)
    return entries


def legacy_bytes(entries):
    """The older form has one count for all experts: what was never called counts as often, with as large a sum."""
    whole = {}
    for name, entry in entries.items():
        calls = max(entry.counts)
        sums = [row if count else [float(calls)] * len(row) for row, count in zip(entry.sums, entry.counts)]
        whole[name] = imatrix_file.Entry(sums, [calls] * len(sums))
    return imatrix_file.legacy_bytes(whole)
