"""make_numpy_samples.py FOLDER - arrays and archives for heirloom-conform, written by NumPy, small and of every kind."""
import os
import sys

import numpy

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
matrix = numpy.arange(24, dtype="<f4").reshape(4, 6)
arrays = {"matrix": matrix, "columns": numpy.asfortranarray(matrix), "big_endian": matrix.astype(">f8"), "half": matrix.astype("<f2"),
          "flags": matrix > 3, "scalar": numpy.array(7, "<i8"), "empty": numpy.zeros((0, 3), "<i4"), "complex": matrix.astype("<c8")}
for name, array in arrays.items():
    numpy.save(os.path.join(folder, name + ".npy"), array)
numpy.savez(os.path.join(folder, "stored.npz"), **arrays)
numpy.savez_compressed(os.path.join(folder, "deflated.npz"), **arrays)
