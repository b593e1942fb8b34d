"""Files that llama.cpp made against the checkpoint that they come from: verify names their recipe, and says exact or how far off.

  verify.py PEER

The GGUF that llama_model_quantize is given is ours, of the toy model; what it makes of it is its own work alone.
"""
import os
import subprocess
import sys

import program

LIBRARIES = os.path.join(os.environ["HEIRLOOM_NPM_DIR"], "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
PEER = sys.argv.pop(1)
SKIPPED = 77
# llama.cpp's numbers.
RECIPES = {"Q4_0": 2, "Q8_0": 7, "Q2_K": 10, "Q3_K_M": 12, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30,
           "TQ2_0": 37}


class Peer(program.Case):
    def quantized(self, source, recipe, *options):
        out = self.path(f"{recipe}.gguf")
        subprocess.run([PEER, LIBRARIES, source, out, str(RECIPES.get(recipe, recipe)), "--threads", "2", *options], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return out

    def plain(self, encoding, *options):
        out = self.path(f"{encoding}.gguf")
        self.must("convert", program.LICENCE_LM, out, "--quantize", encoding, "--provenance", "none", *options)
        return out

    def foreign(self, path, *arguments, code=0):
        return self.must_json("verify", path, "--json", *arguments, code=code)["foreign"]

    def check_exact(self, foreign, recipe):
        self.assertEqual(foreign["recipe"], recipe)
        self.assertEqual([tensor for tensor in foreign["tensors"] if tensor["verdict"] != "exact"], [])
        self.assertEqual(len(foreign["tensors"]), 25)

    def test_recipes(self):
        """each recipe of llama.cpp's is named, and every tensor exact, from a BF16 file between"""
        source = self.plain("bf16")
        for recipe in RECIPES:
            with self.subTest(recipe=recipe):
                self.check_exact(self.foreign(self.quantized(source, recipe), "--source", program.LICENCE_LM), recipe)

    def test_from_plain_gguf(self):
        """the file that it was quantized from is a source as good"""
        source = self.plain("f16")
        self.check_exact(self.foreign(self.quantized(source, "Q4_K_M"), "--source", source), "Q4_K_M")

    def test_changed_byte(self):
        """a changed byte is found in one block of one tensor"""
        made = self.quantized(self.plain("bf16"), "Q4_K_M")
        data = bytearray(program.bytes_of(made))
        data[-300] ^= 4
        foreign = self.foreign(self.write("changed.gguf", data), "--source", program.LICENCE_LM, code=1)
        off = [tensor for tensor in foreign["tensors"] if tensor["verdict"] != "exact"]
        self.assertEqual([(tensor["verdict"], tensor["differing_blocks"]) for tensor in off], [("different", 1)])
        self.assertEqual(foreign["recipe"], "Q4_K_M")

    def test_importance(self):
        """with the importance matrix that it was made with every tensor is exact; without, it is asked for"""
        source = self.plain("bf16")
        matrix = self.path("m.dat")
        subprocess.run([sys.executable, os.path.join(program.TOOLS, "imatrix_file.py"), source, matrix], check=True)
        for recipe in ("Q4_K_M", "19"):  # 19 is IQ2_XXS
            made = self.quantized(source, recipe, "--imatrix", matrix)
            name = {"19": "IQ2_XXS"}.get(recipe, recipe)
            foreign = self.foreign(made, "--source", program.LICENCE_LM, "--imatrix", matrix)
            self.check_exact(foreign, name)
            self.assertTrue(any(tensor["has_importance"] for tensor in foreign["tensors"]))
            foreign = self.foreign(made, "--source", program.LICENCE_LM, code=1)
            self.assertEqual(foreign["recipe"], name)
            self.assertTrue(all(tensor["error"]["rmse"] > 0 for tensor in foreign["tensors"] if tensor["verdict"] == "different"))
            self.assertIn("--imatrix", self.must("verify", made, "--source", program.LICENCE_LM, code=1).out)

    def test_quantized_twice(self):
        """a file that went through Q8_0 before is seen to have"""
        between = self.quantized(self.plain("bf16"), "Q8_0")
        foreign = self.foreign(self.quantized(between, "Q4_K_M", "--allow-requantize"), "--source", program.LICENCE_LM)
        self.check_exact(foreign, "Q4_K_M")
        self.assertIn("q8_0", {tensor["via"] for tensor in foreign["tensors"]})

    def test_no_recipe(self):
        """where one tensor was chosen by hand no recipe is named, but the nearest with the tensors that it would make otherwise"""
        made = self.quantized(self.plain("bf16"), "Q4_K_M", "--tensor-type", "attn_v=q5_0")
        foreign = self.foreign(made, "--source", program.LICENCE_LM)
        self.assertEqual((foreign["recipe"], foreign["nearest_recipe"]), (None, "Q4_K_M"))
        self.assertEqual({miss["tensor"] for miss in foreign["misses"]}, {"blk.0.attn_v.weight", "blk.1.attn_v.weight"})

    def test_unrecorded_step(self):
        """what llama.cpp makes of a file with a record keeps the keys: the chain is told up to there, and the last step made again"""
        ours = self.path("ours.gguf")
        self.must("convert", program.LICENCE_LM, ours, "--quantize", "Q4_K_M")
        made = self.quantized(ours, "Q4_0", "--allow-requantize")
        report = self.must_json("verify", made, "--json", code=1)
        self.assertTrue(report["is_last_step_unrecorded"])
        self.assertEqual([step["text"].split()[0] for step in report["chain"]], ["quantize"])
        self.assertEqual((report["level"], report["mismatches"]), ("P1", []), report)
        self.assertIn("the last step is not recorded", self.must("verify", made, code=1).out)
        self.check_exact(self.must_json("verify", made, "--json", "--source", ours)["foreign"], "Q4_0")


if not os.path.exists(os.path.join(LIBRARIES, "libllama.v0.5.0.so")) or not os.path.exists(PEER):
    print(f"skipped: no llama.cpp v0.5.0 in {LIBRARIES}, or no {PEER}")
    sys.exit(SKIPPED)
program.main()
