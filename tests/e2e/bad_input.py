"""Hostile and broken files: a clear error, exit 2, and nothing under the final name."""
import json
import os
import random
import shutil
import struct

import gguf_file
import program
import safetensors_file
from safetensors_file import Tensor

SEED = 7
FLIPS = 150 if program.IS_SANITIZED else 600


def small_safetensors(edit_header=None):
    return safetensors_file.file_bytes({"a": Tensor("F32", (2, 4), bytes(range(32))), "b": Tensor("BF16", (4,), bytes(8))},
                                       {"format": "pt"}, edit_header)


def small_gguf(name="a", shape=(8, 4), counts=None):
    return gguf_file.file_bytes([gguf_file.attr("general.architecture", gguf_file.STRING, "none"),
                                 gguf_file.attr("none.block_count", gguf_file.UINT32, 1)],
                                [(name, shape, gguf_file.F32, bytes(128))], counts=counts)


SMALL = {"small.safetensors": small_safetensors(), "small.gguf": small_gguf()}


def offsets(tensor, begin, end):
    def edit(header):
        header[tensor]["data_offsets"] = [begin, end]
    return edit


def shape(*dimensions):
    def edit(header):
        header["a"]["shape"] = list(dimensions)
    return edit


def with_header(text):
    return struct.pack("<Q", len(text)) + text


BROKEN_SAFETENSORS = {
    "tensor ends past the file": small_safetensors(offsets("b", 32, 1 << 40)),
    "tensor begins after its end": small_safetensors(offsets("b", 40, 32)),
    "tensors overlap": small_safetensors(offsets("b", 24, 32)),
    "hole between tensors": small_safetensors(lambda header: header["a"].update(shape=[4], data_offsets=[0, 16])),
    "negative offset": small_safetensors(offsets("a", -32, 0)),
    "offset of 2^64": small_safetensors(offsets("a", 0, 1 << 64)),
    "shape times type overflows": small_safetensors(shape(1 << 62, 1 << 62)),
    "shape disagrees with the bytes": small_safetensors(shape(3, 4)),
    "negative dimension": small_safetensors(shape(-2, -4)),
    "fractional dimension": small_safetensors(shape(2.5, 4)),
    "unknown type": small_safetensors(lambda header: header["a"].update(dtype="F33")),
    "header size of 2^63": struct.pack("<Q", 1 << 63) + b"{}",
    "header longer than the file": struct.pack("<Q", 1000) + b"{}",
    "header is a list": with_header(b"[]      "),
    "header is not JSON": with_header(b"{\"a\": nope}"),
    "the same tensor twice": with_header(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                                         b'"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}') + b"\0",
    "bytes after the last tensor": small_safetensors() + b"\0",
    "nested a hundred thousand deep": with_header(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"),
    "empty file": b"",
}

BROKEN_GGUF = {
    "2^60 tensors": small_gguf(counts=(1 << 60, 2)),
    "2^60 attributes": small_gguf(counts=(1, 1 << 60)),
    "one tensor too many": small_gguf(counts=(2, 2)),
    "dimensions overflow": small_gguf(shape=(1 << 33, 1 << 33)),
    "tensor larger than the file": small_gguf(shape=(1 << 30, 4)),
    "magic alone": b"GGUF",
    "version 99": small_gguf().replace(struct.pack("<I", 3), struct.pack("<I", 99), 1),
    "string of 2^62 bytes": small_gguf().replace(struct.pack("<Q", 20), struct.pack("<Q", 1 << 62), 1),
    "attribute of type 77": small_gguf().replace(struct.pack("<I", 8), struct.pack("<I", 77), 1),
    "the same tensor twice": gguf_file.file_bytes([], [("a", (8,), 0, bytes(32)), ("a", (8,), 0, bytes(32))]),
    "empty file": b"",
}


# An output with its record.
WHOLE = {"x.gguf" + suffix for suffix in ("", ".intoto.jsonl", ".tensor-receipts.jsonl", ".metadata-ledger.json")}


class BadInput(program.Case):
    provenance = "none"

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("out"))

    def refused(self, source, *options):
        """Exit 2, a message that names the file, and an empty output folder."""
        name = os.path.basename(source)
        for target in ("out/x.gguf", "out/x"):
            done = self.must("convert", source, self.path(target), "--as-is", "--to",
                             "gguf" if target.endswith(".gguf") else "safetensors", *options, code=2)
            self.assertIn(name, done.err)
            self.assertNotIn("internal", done.err)
            self.assertEqual(done.out, "")
            self.assertEqual(os.listdir(self.path("out")), [], done)
        return done

    def accepted(self, source):
        """What `refused` does converts when nothing is broken."""
        for target, form in (("good/x.gguf", "gguf"), ("good/x", "safetensors")):
            os.makedirs(self.path("good"), exist_ok=True)
            self.must("convert", source, self.path(target), "--as-is", "--to", form)
        shutil.rmtree(self.path("good"))

    def test_whole_files(self):
        """the small files that the other cases break are fine as they are"""
        for name, data in SMALL.items():
            self.accepted(self.write(name, data))

    def test_cut_at_every_byte(self):
        """a file cut off at any byte is refused and named, and leaves nothing behind"""
        for name, data in SMALL.items():
            step = 5 if program.IS_SANITIZED else 1
            for size in range(0, len(data), step):
                source = self.write(name, data[:size])
                done = self.must("convert", source, self.path("out/x.gguf"), "--as-is", code=2)
                self.assertIn(name, done.err, f"cut at {size}")
                self.assertEqual(os.listdir(self.path("out")), [], f"cut at {size}")

    def test_flipped_bits(self):
        """a flipped bit is refused, or converts to a whole file: never a crash, a hang or a half output"""
        dice = random.Random(SEED)
        print(f"seed {SEED}, {FLIPS} flips", end=" ")
        for _ in range(FLIPS):
            name = dice.choice(sorted(SMALL))
            data = bytearray(SMALL[name])
            at, bit = dice.randrange(len(data)), dice.randrange(8)
            data[at] ^= 1 << bit
            out = self.path("out/x.gguf")
            done = program.run("convert", self.write(name, data), out, "--as-is", "--force", timeout=20)
            where = f"{name}: bit {bit} of byte {at}\n{done}"
            self.assertIn(done.code, (0, 2, 3), where)
            self.assertEqual(set(os.listdir(self.path("out"))), WHOLE if done.code == 0 else set(), where)
            if done.code == 0:
                self.must("inspect", out)
                for name in WHOLE:
                    os.remove(self.path("out", name))

    def test_broken_safetensors(self):
        """each way to break a safetensors header is refused"""
        for what, data in BROKEN_SAFETENSORS.items():
            with self.subTest(what=what):
                self.refused(self.write("broken.safetensors", data))

    def test_broken_gguf(self):
        """each way to break a GGUF header is refused"""
        for what, data in BROKEN_GGUF.items():
            with self.subTest(what=what):
                self.refused(self.write("broken.gguf", data))

    def test_tensor_names_are_not_paths(self):
        """a tensor called ../../x writes nothing outside the output"""
        name = "../../escaped"
        source = self.write("names.safetensors", safetensors_file.file_bytes({name: Tensor("F32", (8,), bytes(32))}))
        before = sorted(os.listdir(self.folder))
        for number, target in enumerate(("x.gguf", "x")):
            done = program.run("convert", source, self.path("out", target), "--as-is", "--to", "gguf" if "." in target else "safetensors")
            self.assertIn(done.code, (0, 2), done)
            self.assertLessEqual(set(os.listdir(self.path("out"))), {"x", *WHOLE})
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.must_not_exist(os.path.join(os.path.dirname(self.folder), "escaped"))

    def test_index_that_points_outside(self):
        """an index that names a file outside the checkpoint is refused"""
        self.write("secret.safetensors", SMALL["small.safetensors"])
        for name in ("../secret.safetensors", self.path("secret.safetensors"), "./../secret.safetensors", "", "a\0b", "a\\b"):
            with self.subTest(name=name):
                index = {"metadata": {}, "weight_map": {"a": name, "b": name}}
                self.write("model/model.safetensors.index.json", json.dumps(index).encode())
                self.refused(self.path("model"))

    def test_index_that_disagrees(self):
        """an index that names a missing file, or a tensor that its file lacks, is refused"""
        self.write("model/part.safetensors", SMALL["small.safetensors"])
        index = {"metadata": {}, "weight_map": {"a": "part.safetensors", "b": "part.safetensors"}}
        self.write("model/model.safetensors.index.json", json.dumps(index).encode())
        self.accepted(self.path("model"))
        for name, weights in (("missing file", {"a": "gone.safetensors", "b": "part.safetensors"}),
                              ("missing tensor", {"a": "part.safetensors", "b": "part.safetensors", "c": "part.safetensors"})):
            with self.subTest(what=name):
                self.write("model/model.safetensors.index.json", json.dumps({"metadata": {}, "weight_map": weights}).encode())
                self.refused(self.path("model"))

    def test_files_that_are_no_checkpoints(self):
        """a directory without weights, a text file, a missing path: exit 2 and the path in the message"""
        os.makedirs(self.path("empty"))
        self.write("notes.txt", b"not weights\n")
        for name in ("empty", "notes.txt", "absent"):
            with self.subTest(what=name):
                self.refused(self.path(name))
                self.assertIn(name, self.must("inspect", self.path(name), code=2).err)


program.main()
