"""Recipes on the command line: listed, explained, of one's own, changed by options; what is refused and what is said."""
import json
import os

import dump_gguf
import program

MINE = {
    "recipes": [{"name": "mine", "title": "with more for attention", "base": "Q4_K_M"}],
    "rules": [{"tensors": ["attn_v"], "encoding": "q8_0"}],
}


def types_in(path):
    return {tensor["name"]: tensor["ggml_type"] for tensor in dump_gguf.dump(path)["tensors"]}


class Recipes(program.Case):
    def planned(self, *arguments):
        done = self.must("convert", program.LICENCE_LM, self.path("o.gguf"), *arguments, "--dry-run", "--json")
        return {tensor["name"]: tensor for tensor in json.loads(done.out)["tensors"]}, done

    def test_listed_and_explained(self):
        """every recipe that is listed can be explained, as text and as JSON with the same lines"""
        recipes = json.loads(self.must("recipes", "--json").out)["recipes"]
        self.assertGreater(len(recipes), 30)
        text = self.must("recipes").out
        for recipe in recipes:
            with self.subTest(recipe=recipe["name"]):
                self.assertIn(recipe["name"], text)
                explained = self.must("recipes", recipe["name"]).out
                for line in json.loads(self.must("recipes", recipe["name"], "--json").out)["rules"]:
                    self.assertIn(line, explained)

    def test_reasons(self):
        """a dry run gives each tensor's encoding with its reason, and bits per weight"""
        tensors, _ = self.planned("--quantize", "Q4_K_M")
        self.assertEqual((tensors["output.weight"]["encoding"], tensors["output.weight"]["note"]), ("q6_k", "Q4_K_M: output"))
        text = self.must("convert", program.LICENCE_LM, self.path("o.gguf"), "--quantize", "Q4_K_M", "--dry-run").out
        self.assertRegex(text, r"\d\.\d\d bits per weight")

    def test_recipe_file(self):
        """a recipe file of one's own: its rules, then those of its base; an error in it names the file and what is allowed"""
        path = self.path("mine.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(MINE, file)
        self.must("convert", program.LICENCE_LM, self.path("o.gguf"), "--quantize", path)
        types = types_in(self.path("o.gguf"))
        self.assertEqual((types["blk.0.attn_v.weight"], types["output.weight"]), ("Q8_0", "Q6_K"))
        self.assertIn("attn_v: q8_0", self.must("recipes", path).out)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**MINE, "rules": [{"tensors": ["attn_w"]}]}, file)
        done = self.must("convert", program.LICENCE_LM, self.path("p.gguf"), "--quantize", path, code=2)
        for word in ("mine.json", "rules[0].tensors", "attn_w", "attn_output"):
            self.assertIn(word, done.err)

    def test_options(self):
        """options change a recipe and may be repeated; one that matches nothing is said"""
        tensors, done = self.planned("--quantize", "Q4_K_M", "--tensor-type", "BLK.0.attn_q=q5_k", "--tensor-type", "attn_q=q3_k",
                                     "--tensor-type", "nothing=q8_0", "--token-embedding-type", "q8_0", "--leave-output-tensor")
        got = [tensors[name + ".weight"]["encoding"] for name in ("blk.0.attn_q", "blk.1.attn_q", "token_embd", "output")]
        self.assertEqual(got, ["q5_k", "q3_k", "q8_0", "bf16"])
        self.assertIn('--tensor-type "nothing" matches no tensor', done.err)
        tensors, _ = self.planned("--quantize", "Q4_K_M", "--pure")
        self.assertEqual({tensor["encoding"] for tensor in tensors.values()}, {"q4_k", "f32"})

    def test_fallbacks_are_named(self):
        """each tensor whose rows do not fit is named on stderr, with what stands in"""
        source = program.checkpoint("LlamaForCausalLM", self.path("model"), "--hidden", "288", "--heads", "4", "--kv", "4")
        done = self.must("convert", source, self.path("o.gguf"), "--quantize", "Q4_K_M")
        self.assertIn('"blk.0.attn_q.weight": rows of 288 do not fit q4_k, q5_0 instead', done.err)
        self.assertEqual(types_in(self.path("o.gguf"))["blk.0.attn_q.weight"], "Q5_0")

    def test_refusals(self):
        """quantizing twice, a need for an importance matrix, options without a recipe: exit 2, and the way out; nothing is left"""
        gguf = self.path("q8_0.gguf")
        self.must("convert", program.LICENCE_LM, gguf, "--quantize", "Q8_0")
        out = self.path("o.gguf")
        cases = ((gguf, ("--quantize", "Q4_K_M"), ('"output.weight"', "--allow-requantize")),
                 (gguf, ("--quantize", "mxfp4"), ("--allow-requantize",)),
                 (program.LICENCE_LM, ("--quantize", "IQ2_XS"), ("blk.0.", "iq2_xs", "--imatrix")),
                 (program.LICENCE_LM, ("--quantize", "Q2_K_S"), ("blk.0.", "q2_k", "--imatrix")),
                 (program.LICENCE_LM, ("--pure",), ("--quantize",)),
                 (program.LICENCE_LM, ("--quantize", "Q4_K_M", "--pure", "--as-is"), ("--tensor-type",)))
        for source, options, words in cases:
            with self.subTest(options=options):
                done = self.must("convert", source, out, *options, code=2)
                for word in words:
                    self.assertIn(word, done.err)
                self.assertFalse(os.path.exists(out))
        self.must("convert", gguf, out, "--quantize", "Q4_K_M", "--allow-requantize")


program.main()
