"""PyTorch itself as the reader of the checkpoints that we write, and its bytes as the measure of ours."""
import collections
import json
import os
import unittest
import zipfile

import gguf_file
import numpy
import program
import safetensors_file

try:
    import torch
except ImportError:
    torch = None


def state_dict():
    """Tensors of every type that has a storage class, in many shapes."""
    types = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
             torch.uint8, torch.bool, torch.complex64, torch.complex128]
    made = collections.OrderedDict()
    for i in range(1100):  # more than one SETITEMS, more than 256 memo entries
        made[f"layers.{i}.weight"] = torch.arange(i % 7 * 3).reshape(3, i % 7).to(types[i % len(types)])
    made["scalar"] = torch.tensor(1.5)
    made["none"] = torch.zeros(2, 0, 3)
    made["deep"] = torch.zeros(2, 3, 4, 5)
    made["wéight"] = torch.arange(70_000, dtype=torch.float32)
    return made


class Written(program.Case):
    provenance = "none"

    def setUp(self):
        if torch is None:
            raise unittest.SkipTest("no torch: 7 cases not tried")
        super().setUp()

    def same(self, expected, found):
        self.assertEqual(list(found), list(expected))
        for name, tensor in expected.items():
            self.assertEqual(found[name].dtype, tensor.dtype, name)
            self.assertEqual(found[name].shape, tensor.shape, name)
            self.assertTrue(torch.equal(found[name], tensor), name)

    def rewritten(self, made, name="model.pt"):
        """Paths of a file that torch wrote, and of ours made from it; both called alike."""
        os.makedirs(self.path("theirs"))
        torch.save(made, self.path("theirs", name))
        self.must("convert", self.path("theirs", name), self.path(name))
        return self.path("theirs", name), self.path(name)

    def test_same_bytes(self):
        """a state_dict read and written again is the same bytes, and torch.load(weights_only=True) reads them"""
        made = state_dict()
        theirs, ours = self.rewritten(made)
        self.same(made, torch.load(ours, weights_only=True))
        self.assertEqual(program.bytes_of(ours), program.bytes_of(theirs))
        self.assertIsNone(zipfile.ZipFile(ours).testzip())

    def test_small(self):
        """one tensor, and a name with dots"""
        made = collections.OrderedDict(only=torch.ones(3))
        theirs, ours = self.rewritten(made, "a.b.pt")
        self.same(made, torch.load(ours, weights_only=True))
        self.assertEqual(program.bytes_of(ours), program.bytes_of(theirs))

    def test_views_become_tensors(self):
        """shared, transposed and offset tensors each get a storage of their own, with the same values"""
        base = torch.arange(60, dtype=torch.float32).reshape(6, 10)
        made = collections.OrderedDict(base=base, turned=base.t(), part=base[2:4], tied=base)
        _, ours = self.rewritten(made)
        self.same(made, torch.load(ours, weights_only=True))

    def test_shards(self):
        """a directory in shards, with the index of transformers"""
        made = collections.OrderedDict((f"t{i}", torch.full((1000,), float(i))) for i in range(10))
        torch.save(made, self.path("a.pt"))
        self.must("convert", self.path("a.pt"), self.path("model/"), "--to", "pytorch", "--max-shard-size", "13000")
        index = json.loads(program.bytes_of(self.path("model", "pytorch_model.bin.index.json")))
        self.assertEqual(index["metadata"]["total_size"], 40_000)
        self.assertEqual(sorted(set(index["weight_map"].values())),
                         [f"pytorch_model-0000{i}-of-00004.bin" for i in range(1, 5)])
        found = collections.OrderedDict()
        for name in sorted(set(index["weight_map"].values())):
            part = torch.load(self.path("model", name), weights_only=True)
            self.assertEqual(set(part), {tensor for tensor, file in index["weight_map"].items() if file == name})
            found.update(part)
        self.same(made, found)
        self.must("diff", self.path("a.pt"), self.path("model"))

    def test_other_types(self):
        """types that PyTorch lacks become ones that hold every value, or, quantized, floats"""
        values = torch.arange(64, dtype=torch.int64).reshape(2, 32) * 1000
        self.write("a.safetensors", safetensors_file.file_bytes(
            {"w": safetensors_file.Tensor("U16", (2, 32), numpy.array(values).astype("<u2").tobytes())}))
        self.must("convert", self.path("a.safetensors"), self.path("a.pt"))
        found = torch.load(self.path("a.pt"), weights_only=True)["w"]
        self.assertTrue(torch.equal(found.to(torch.int64), values))
        torch.save(collections.OrderedDict(w=torch.ones(2, 32)), self.path("b.pt"))
        self.must("convert", self.path("b.pt"), self.path("b.gguf"), "--as-is", "--quantize", "q8_0")
        self.must("convert", self.path("b.gguf"), self.path("c.pt"), "--as-is", "--allow-loss")
        self.assertLess(abs(torch.load(self.path("c.pt"), weights_only=True)["w"].float().mean() - 1), 0.01)

    def test_metadata(self):
        """metadata of a GGUF has no place in a state_dict: named, and refused without --allow-loss"""
        note = gguf_file.attr("note", gguf_file.STRING, "kept")
        self.write("b.gguf", gguf_file.padded_bytes([note], [("w", (32, 2), gguf_file.F32, bytes(256))]))
        done = self.must("convert", self.path("b.gguf"), self.path("b.pt"), "--as-is", code=3)
        self.assertIn("note", done.err + done.out)
        self.must_not_exist(self.path("b.pt"))
        self.must("convert", self.path("b.gguf"), self.path("b.pt"), "--as-is", "--allow-loss")


if __name__ == "__main__":
    program.main()
