"""NumPy itself as the writer of our input and the reader of our output."""
import os
import unittest
import zipfile

import numpy as np

import program
import safetensors_file

TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def arrays(seed=1):
    """One array of each type, in shapes that differ, and a scalar, and one of nothing."""
    random = np.random.default_rng(seed)
    made = {f"layers.{i}.{code}": (random.random((i + 1, 5)) * 100).astype(code) for i, code in enumerate(TYPES)}
    made["scalar"] = np.float32(1.5).reshape(())
    made["none"] = np.zeros((0, 4), "f4")
    made["deep/wéight"] = random.random((2, 3, 4)).astype("f4")
    return made


class NumpyFiles(program.Case):
    provenance = "none"

    def same(self, expected, path):
        found, _ = safetensors_file.read_file(path)
        self.assertEqual(sorted(found), sorted(expected))
        for name, array in expected.items():
            self.assertEqual(tuple(found[name].shape), array.shape, name)
            little = array.astype(array.dtype.newbyteorder("<"))
            self.assertEqual(bytes(found[name].data), np.ascontiguousarray(little).tobytes(), name)

    def test_npz_is_read(self):
        """stored and deflated archives, C and Fortran order, both byte orders: the same tensors in safetensors"""
        made = arrays()
        turned = {name: np.array(array, array.dtype.newbyteorder(">"), order="F") for name, array in made.items()}
        for save in (np.savez, np.savez_compressed):
            for number, source in enumerate((made, turned)):
                with self.subTest(save=save.__name__, turned=bool(number)):
                    path, out = self.path("a.npz"), self.path("a.safetensors")
                    save(path, **source)
                    self.must("convert", path, out, "--force")
                    self.same(made, out)

    def test_npz_is_written(self):
        """safetensors -> .npz: np.load gives the same arrays, and the bytes are those of np.savez"""
        made = arrays(2)
        np.savez(self.path("theirs.npz"), **made)
        self.must("convert", self.path("theirs.npz"), self.path("a.safetensors"))
        self.must("convert", self.path("theirs.npz"), self.path("ours.npz"))
        with np.load(self.path("ours.npz"), allow_pickle=False) as found:
            self.assertEqual(list(found), list(made))
            for name, array in made.items():
                np.testing.assert_array_equal(found[name], array)
        self.assertEqual(program.bytes_of(self.path("ours.npz")), program.bytes_of(self.path("theirs.npz")))
        self.assertIsNone(zipfile.ZipFile(self.path("ours.npz")).testzip())
        self.must("convert", self.path("a.safetensors"), self.path("again.npz"))
        with np.load(self.path("again.npz")) as found:
            for name, array in made.items():
                np.testing.assert_array_equal(found[name], array)
        self.must("diff", self.path("a.safetensors"), self.path("again.npz"))

    def test_npy(self):
        """.npy both ways: the bytes of np.save"""
        array = np.arange(77 * 13, dtype="f4").reshape(77, 13)
        np.save(self.path("w.npy"), array)
        np.save(self.path("turned.npy"), np.asfortranarray(array))
        self.must("convert", self.path("turned.npy"), self.path("out.npy"))
        self.assertEqual(program.bytes_of(self.path("out.npy")), program.bytes_of(self.path("w.npy")))
        np.testing.assert_array_equal(np.load(self.path("out.npy"), mmap_mode="r"), array)

    def test_large_arrays(self):
        """arrays of many pieces, deflated and in Fortran order, in little memory and several threads"""
        random = np.random.default_rng(3)
        made = {"turned": np.asfortranarray(random.random((700, 3000)).astype("f4")),
                "plain": random.integers(0, 9, 5_000_000).astype("i4")}
        np.savez_compressed(self.path("a.npz"), **made)
        np.savez(self.path("b.npz"), **made)
        for name in ("a", "b"):
            self.must("convert", self.path(name + ".npz"), self.path(name + ".safetensors"), "--memory", "16MiB")
            self.same(made, self.path(name + ".safetensors"))

    def test_damage(self):
        """a flipped bit in a stored or deflated array: refused with the tensor, and no output is left"""
        made = {"first": np.arange(100_000, dtype="f4"), "second": np.arange(100_000, dtype="f4")}
        for save in (np.savez, np.savez_compressed):
            with self.subTest(save=save.__name__):
                save(self.path("a.npz"), **made)
                data = bytearray(program.bytes_of(self.path("a.npz")))
                data[len(data) - 10_000] ^= 4
                path = self.write("damaged.npz", data)
                done = self.must("convert", path, self.path("out.safetensors"), code=2)
                self.assertIn("second", done.err)
                self.must_not_exist(self.path("out.safetensors"))
                if save is np.savez:
                    self.assertIn("it is damaged", done.err)
                    self.must("diff", path, self.path("a.npz"), code=2)

    def test_objects(self):
        """an array of Python objects is refused, and nothing of its pickle is run"""
        class Trap:
            def __reduce__(self):
                return os.system, ("touch " + trap,)
        trap = self.path("trap")
        np.save(self.path("o.npy"), np.array([Trap()], dtype=object), allow_pickle=True)
        done = self.must("inspect", self.path("o.npy"), code=2)
        self.assertIn("pickled", done.err)
        self.must_not_exist(trap)

    def test_bfloat16(self):
        """bfloat16 is written as V2, as JAX and MLX do, and read back"""
        np.save(self.path("w.npy"), np.arange(64, dtype="f4").reshape(8, 8))
        self.must("convert", self.path("w.npy"), self.path("b.npy"), "--quantize", "bf16")
        found = np.load(self.path("b.npy"))
        self.assertEqual(found.dtype, np.dtype("V2"))
        wide = np.zeros((64, 2), "u2")
        wide[:, 1] = found.view("u2").ravel()
        np.testing.assert_array_equal(wide.view("f4").ravel(), np.arange(64, dtype="f4"))
        self.must("convert", self.path("b.npy"), self.path("back.npy"), "--quantize", "f32")
        np.testing.assert_array_equal(np.load(self.path("back.npy")).ravel(), np.arange(64, dtype="f4"))


if __name__ == "__main__":
    program.main()
