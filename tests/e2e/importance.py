"""--imatrix, --include-weights, --exclude-weights, and tensors that hold what blocks cannot."""
import os
import random
import struct

import dump_gguf
import gguf_file
import imatrix_file
import program
import safetensors_file
from safetensors_file import Tensor

# Embeddings, a matrix and a stack of three; rows of 256.
SHAPES = {"token_embd.weight": (256, 8), "blk.0.attn_q.weight": (256, 16), "blk.0.ffn_up_exps.weight": (256, 8, 3)}
MATRICES = {name: shape for name, shape in SHAPES.items() if name != "token_embd.weight"}


def numbers(name, count):
    dice = random.Random(name)
    return [dice.gauss(0, 0.1) for _ in range(count)]


def elements(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def model_bytes(bad=None):
    """`bad`: {tensor: (index, value)} instead of a number."""
    tensors = []
    for name, shape in SHAPES.items():
        values = numbers(name, elements(shape))
        if name in (bad or {}):
            index, values[index] = bad[name]
        tensors.append((name, shape, gguf_file.F32, imatrix_file.floats(values)))
    return gguf_file.file_bytes([gguf_file.attr("general.name", gguf_file.STRING, "none")], tensors)


class Importance(program.Case):
    provenance = "none"

    def setUp(self):
        super().setUp()
        self.model = self.write("model.gguf", model_bytes())
        self.entries = imatrix_file.random_entries(MATRICES)
        self.matrix = self.write("m.gguf", imatrix_file.gguf_bytes(self.entries))

    def converted(self, *options):
        out = self.path("out.gguf")
        done = self.must("convert", self.model, out, "--quantize", "q4_k", "--as-is", "--force", *options)
        return done, {tensor["name"]: tensor["sha256"] for tensor in dump_gguf.dump(out)["tensors"]}

    def test_both_formats(self):
        """the GGUF and the legacy format of the same importance give the same file but for its name"""
        plain = imatrix_file.random_entries({"blk.0.attn_q.weight": (256, 16)})
        gguf = self.write("a", imatrix_file.gguf_bytes(plain))
        legacy = self.write("b", imatrix_file.legacy_bytes(plain))
        first, second = self.converted("--imatrix", gguf), self.converted("--imatrix", legacy)
        self.assertEqual(first[1], second[1])
        unweighted = self.converted()[1]
        self.assertNotEqual(first[1]["blk.0.attn_q.weight"], unweighted["blk.0.attn_q.weight"])
        self.assertEqual(first[1]["token_embd.weight"], unweighted["token_embd.weight"])

    def test_missing(self):
        """tensors without an entry are named on stderr and encoded without"""
        done, _ = self.converted("--imatrix", self.matrix)
        self.assertIn('no entry: "token_embd.weight"', done.err)
        self.assertNotIn("attn_q", done.err)

    def test_keys(self):
        """the output says which matrix, in the last keys"""
        self.converted("--imatrix", self.matrix)
        keys = [(entry["key"], entry["type"], entry["value"]) for entry in dump_gguf.dump(self.path("out.gguf"))["kv"]]
        self.assertEqual(keys[-4:], [("quantize.imatrix.file", "STRING", self.matrix[:127]),
                                     ("quantize.imatrix.dataset", "STRING", "calibration.txt"),
                                     ("quantize.imatrix.entries_count", "UINT32", 2),
                                     ("quantize.imatrix.chunks_count", "UINT32", 10)])

    def test_choice_of_entries(self):
        """--include-weights and --exclude-weights choose entries by a part of the name"""
        both = self.converted("--imatrix", self.matrix)[1]
        none = self.converted()[1]
        for options in (("--include-weights", "ffn_up"), ("--exclude-weights", "attn")):
            found = self.converted("--imatrix", self.matrix, *options)[1]
            self.assertEqual(found["blk.0.ffn_up_exps.weight"], both["blk.0.ffn_up_exps.weight"])
            self.assertEqual(found["blk.0.attn_q.weight"], none["blk.0.attn_q.weight"])
        self.assertEqual(self.converted("--imatrix", self.matrix, "--include-weights", "ffn", "--include-weights", "attn")[1], both)
        for options, message in ((("--include-weights", "x", "--exclude-weights", "y"), "exclude each other"),
                                 (("--include-weights", "nothing"), "no entry is left")):
            done = self.must("convert", self.model, self.path("x.gguf"), "--imatrix", self.matrix, *options, code=2)
            self.assertIn(message, done.err)
        self.assertIn("--imatrix", self.must("convert", self.model, self.path("x.gguf"), "--include-weights", "a", code=2).err)

    def test_dry_run(self):
        """a dry run shows which tensors are weighted, and its fingerprint depends on the values"""
        args = ("convert", self.model, self.path("x.gguf"), "--quantize", "q4_k", "--as-is", "--dry-run", "--json")
        plan = self.must_json(*args, "--imatrix", self.matrix)
        self.assertEqual({tensor["name"] for tensor in plan["tensors"] if tensor["has_importance"]}, set(MATRICES))
        self.write("m.gguf", imatrix_file.gguf_bytes(imatrix_file.random_entries(MATRICES, seed=2)))
        self.assertNotEqual(self.must_json(*args, "--imatrix", self.matrix)["plan_sha256"], plan["plan_sha256"])

    def refused(self, *arguments, says=()):
        os.makedirs(self.path("out"), exist_ok=True)
        done = self.must("convert", *arguments[:1], self.path("out/x.gguf"), *arguments[1:], code=2)
        for part in says:
            self.assertIn(part, done.err)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_misshapen(self):
        """values that are not the tensor's columns are an error that names both"""
        other = imatrix_file.random_entries({"blk.0.attn_q.weight": (128, 16)})
        self.refused(self.model, "--quantize", "q4_k", "--as-is", "--imatrix", self.write("o", imatrix_file.gguf_bytes(other)),
                     says=("blk.0.attn_q.weight", "128 values", "256 columns"))

    def test_needed(self):
        """an encoding that llama.cpp does not make without an importance is refused without one"""
        self.refused(self.model, "--quantize", "q4_k", "--as-is", "--tensor-type", "attn_q=iq2_xxs", says=("attn_q", "--imatrix"))
        self.must("convert", self.model, self.path("ok.gguf"), "--as-is", "--tensor-type", "attn_q=iq2_xxs", "--imatrix", self.matrix)

    def test_no_matrix(self):
        """a file that is no importance matrix, a missing one, a directory: exit 2 and its name"""
        for path, message in ((self.model, "imatrix.chunk_count"), (self.write("empty", b""), "empty"),
                              (self.path("absent"), "absent"), (self.folder, "directory"),
                              (self.write("cut", imatrix_file.legacy_bytes(self.entries)[:-1]), "the file ends")):
            with self.subTest(path=path):
                self.refused(self.model, "--quantize", "q4_k", "--imatrix", path, says=(os.path.basename(path), message))

    def test_flipped_bits(self):
        """a flipped bit in either format is refused or converts: never a crash"""
        dice = random.Random(5)
        small = imatrix_file.random_entries({"blk.0.attn_q.weight": (256, 16)})
        for data in (imatrix_file.gguf_bytes(small), imatrix_file.legacy_bytes(small)):
            for _ in range(20 if program.IS_SANITIZED else 60):
                broken = bytearray(data)
                at = dice.randrange(min(len(data), 400))
                broken[at] ^= 1 << dice.randrange(8)
                done = program.run("convert", self.model, self.path("x.gguf"), "--quantize", "q4_k", "--as-is", "--force",
                                   "--imatrix", self.write("broken", broken))
                self.assertIn(done.code, (0, 2), f"byte {at}\n{done}")
                self.assertNotIn("internal", done.err)

    def test_not_finite(self):
        """NaN or infinity in a tensor that becomes blocks: exit 2, tensor and element, nothing written; kept in other encodings"""
        for value, word in ((float("nan"), "NaN"), (float("inf"), "infinite"), (-float("inf"), "infinite")):
            bad = self.write("bad.gguf", model_bytes({"blk.0.attn_q.weight": (1234, value)}))
            for options in ((), ("--imatrix", self.matrix), ("--threads", "1")):
                self.refused(bad, "--quantize", "q4_k", "--as-is", *options, says=("blk.0.attn_q.weight", f"element 1234 is {word}"))
            for encoding in ("f16", "bf16", "f32"):
                self.must("convert", bad, self.path("kept.gguf"), "--quantize", encoding, "--as-is", "--force")

    def test_not_finite_elsewhere(self):
        """the same for a safetensors source, to a directory as well"""
        values = [0.5] * 64
        values[40] = float("nan")
        source = self.write("bad.safetensors", safetensors_file.file_bytes({"w": Tensor("F32", (2, 32), struct.pack("<64f", *values))}))
        self.refused(source, "--quantize", "q8_0", "--as-is", says=("w", "element 40 is NaN"))

    def test_too_large(self):
        """a number that no scale of the encoding holds is refused likewise, also where its block would become zero"""
        for value, encoding in ((1e9, "q4_0"), (3e38, "q4_k"), (3e38, "q6_k")):
            with self.subTest(encoding=encoding):
                bad = self.write("bad.gguf", model_bytes({"blk.0.attn_q.weight": (77, value)}))
                self.refused(bad, "--quantize", encoding, "--as-is",
                             says=("blk.0.attn_q.weight", "element 77 is ", "too large for the scales"))

    def test_importance_too_large(self):
        """an importance whose sums overflow is refused, and one of zeros is warned of"""
        for value in (3e38, 0.0):
            entries = {"blk.0.attn_q.weight": imatrix_file.Entry([[value] * 256], [1])}
            matrix = self.write("extreme", imatrix_file.legacy_bytes(entries))
            arguments = ("--quantize", "q4_k", "--as-is", "--imatrix", matrix)
            if value > 0:
                self.refused(self.model, *arguments, says=("blk.0.attn_q.weight", "importance matrix is too large"))
            else:
                self.assertIn("importance of 0 for every column", self.must("convert", self.model, self.path("z.gguf"), *arguments).err)


program.main()
