"""Writes samples/ with NumPy: the same numbers in C and Fortran order, both byte orders, all header versions."""
import pathlib

import numpy as np
from numpy.lib import format as npy

here = pathlib.Path(__file__).parent / "samples"
numbers = np.arange(2 * 3 * 5, dtype="<f4").reshape(2, 3, 5) / 7


def write(name, array, version=(1, 0)):
    with open(here / name, "wb") as file:
        npy.write_array(file, array, version=version)


here.mkdir(exist_ok=True)
write("c_order.npy", numbers)
write("fortran_order.npy", np.asfortranarray(numbers))
write("big_endian.npy", numbers.astype(">f4"))
write("fortran_big_endian.npy", np.asfortranarray(numbers.astype(">f4")))
write("version_2.npy", numbers.astype("<f2"), (2, 0))
write("version_3.npy", numbers.astype("<c16"), (3, 0))
write("scalar.npy", np.array(7, dtype="<i8"))
write("empty.npy", np.zeros((0, 4), dtype="u1"))
write("vector.npy", np.array([True, False, True]))

refused = here / "refused"
refused.mkdir(exist_ok=True)
with open(refused / "objects.npy", "wb") as file:
    npy.write_array(file, np.array([None, "text"], dtype=object), allow_pickle=True)
with open(refused / "fields.npy", "wb") as file:
    npy.write_array(file, np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
