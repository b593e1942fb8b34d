"""Writes samples/ with Python's struct module: weights of 2 x 3 numbers, and one number alone."""
import pathlib
import struct

here = pathlib.Path(__file__).parent / "samples"


def write(name, shape, content):
    (here / f"{name}.raw").write_bytes(content)
    (here / f"{name}.raw.shape").write_text(shape + "\n")


here.mkdir(exist_ok=True)
write("weights", "f32 2 3", struct.pack("<6f", *range(6)))
write("scalar", "i64", struct.pack("<q", 7))
write("empty", "u8 4 0", b"")
