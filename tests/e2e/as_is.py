"""Real files from elsewhere, converted with names and layout kept. They lie outside the repository: skipped where absent."""
import glob
import os
import struct
import unittest

import dump_gguf
import program
import safetensors_file

GGUF_TYPES = {"F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64"}


def samples(suffix):
    return sorted(glob.glob(os.path.join(program.SAMPLES, "**", "*" + suffix), recursive=True))


class AsIs(program.Case):
    provenance = "none"

    def setUp(self):
        super().setUp()
        if not os.path.isdir(program.SAMPLES):
            raise unittest.SkipTest("samples are absent: 18 safetensors and 7 GGUF files not tried")

    def same_tensors(self, expected, path):
        found = safetensors_file.read_checkpoint(path) if os.path.isdir(path) else safetensors_file.read_file(path)[0]
        self.assertEqual(found, expected)

    def whole_safetensors(self):
        """The files without bytes beyond the last tensor, which the format forbids."""
        for source in samples(".safetensors"):
            if safetensors_file.has_trailing_bytes(source):
                self.must("convert", source, self.path("refused"), "--as-is", "--to", "safetensors", code=2)
                self.must_not_exist(self.path("refused"))
            else:
                yield source

    def test_safetensors_to_gguf_and_back(self):
        """each real safetensors file -> GGUF -> safetensors: `diff` says the same, and so do the bytes"""
        tried = 0
        for number, source in enumerate(self.whole_safetensors()):
            tensors, _ = safetensors_file.read_file(source)
            if not {tensor.dtype for tensor in tensors.values()} <= GGUF_TYPES:
                continue
            with self.subTest(source=os.path.relpath(source, program.SAMPLES)):
                gguf, back = self.path(f"{number}.gguf"), self.path(f"back{number}")
                self.must("convert", source, gguf, "--as-is")
                self.must("convert", gguf, back, "--as-is", "--to", "safetensors")
                self.must("diff", source, gguf)
                self.must("diff", source, back)
                self.same_tensors(tensors, back)
                tried += 1
        print(f"{tried} files", end=" ")
        self.assertGreater(tried, 10)

    def test_types_that_gguf_lacks(self):
        """bytes (U8), which GGUF lacks, become 16-bit integers of the same values, and `diff` says the same"""
        tried = 0
        for source in samples(".safetensors"):
            tensors, _ = safetensors_file.read_file(source)
            lacking = {name: tensor for name, tensor in tensors.items() if tensor.dtype == "U8"}
            if lacking:
                gguf = self.path("out.gguf")
                self.must("convert", source, gguf, "--as-is")
                self.must("diff", source, gguf)
                manifest = dump_gguf.dump(gguf)
                found = {tensor["name"]: tensor for tensor in manifest["tensors"]}
                for name, tensor in lacking.items():
                    self.assertEqual(found[name]["ggml_type"], "I16")
                    with open(gguf, "rb") as file:
                        file.seek(manifest["data_offset"] + found[name]["offset"])
                        values = struct.unpack(f"<{len(tensor.data)}h", file.read(2 * len(tensor.data)))
                    self.assertTrue(bytes(values) == tensor.data, name)
                    tried += 1
        self.assertGreater(tried, 0)

    def test_safetensors_to_safetensors(self):
        """each real safetensors file -> safetensors: the same tensors"""
        tried = 0
        for number, source in enumerate(self.whole_safetensors()):
            with self.subTest(source=os.path.relpath(source, program.SAMPLES)):
                back = self.path(f"copy{number}")
                self.must("convert", source, back, "--as-is", "--to", "safetensors")
                self.same_tensors(safetensors_file.read_file(source)[0], back)
                self.must("diff", source, back)
                tried += 1
        print(f"{tried} files", end=" ")
        self.assertGreater(tried, 10)

    def test_gguf_to_gguf(self):
        """each real GGUF -> GGUF: the same bytes; one cut off in the middle is refused"""
        copied = refused = 0
        for source in samples(".gguf"):
            with self.subTest(source=os.path.relpath(source, program.SAMPLES)):
                out = self.path(os.path.basename(source))
                try:
                    dump_gguf.dump(source)
                except AssertionError:
                    self.must("convert", source, out, "--as-is", code=2)
                    self.must_not_exist(out)
                    refused += 1
                    continue
                self.must("convert", source, out, "--as-is")
                self.assertTrue(program.bytes_of(out) == program.bytes_of(source), "other bytes")
                copied += 1
        print(f"{copied} copied, {refused} refused", end=" ")
        self.assertGreater(copied, 4)


program.main()
