"""Hugging Face -> GGUF -> Hugging Face gives back the same tensors, byte for byte."""
import os

import dump_gguf
import program
import safetensors_file


class RoundTrip(program.Case):
    def there_and_back(self, source, recipe):
        gguf, back = self.path(recipe + ".gguf"), self.path(recipe + "-back")
        self.must("convert", source, gguf, "--quantize", recipe)
        self.must("convert", gguf, back)
        self.compare(source, back)
        self.must("diff", source, gguf)
        return gguf

    def compare(self, source, back):
        expected, found = safetensors_file.read_checkpoint(source), safetensors_file.read_checkpoint(back)
        self.assertTrue(expected)
        self.assertEqual(sorted(found), sorted(expected))
        for name, tensor in expected.items():
            self.assertEqual((found[name].dtype, found[name].shape), (tensor.dtype, tensor.shape), name)
            self.assertTrue(found[name].data == tensor.data, f"{name}: other bytes")

    def test_toy_model_in_bf16(self):
        """licence-lm-2m -> BF16 GGUF -> directory: every tensor byte for byte"""
        gguf = self.there_and_back(program.LICENCE_LM, "BF16")
        types = {t["name"]: t["ggml_type"] for t in dump_gguf.dump(gguf)["tensors"]}
        self.assertEqual(types["token_embd.weight"], "BF16")
        self.assertEqual(types["output_norm.weight"], "F32")

    def test_llama_in_each_float_type(self):
        """Llama in f32, f16 and bf16 -> GGUF of the same type -> directory: every tensor byte for byte"""
        for dtype in ("f32", "f16", "bf16"):
            with self.subTest(dtype=dtype):
                source = program.checkpoint("LlamaForCausalLM", self.path(dtype), "--dtype", dtype)
                self.there_and_back(source, dtype.upper())

    def test_shards_come_back_as_one_checkpoint(self):
        """Llama in three shards -> BF16 GGUF -> directory: every tensor byte for byte"""
        source = program.checkpoint("LlamaForCausalLM", self.path("llama"), "--shards", "3")
        self.assertTrue(os.path.exists(os.path.join(source, "model.safetensors.index.json")))
        self.there_and_back(source, "BF16")

    def test_shards_hold_what_one_file_holds(self):
        """directory -> directory with --max-shard-size: several files, an index of them, the same tensors"""
        back = self.path("sharded")
        self.must("convert", program.LICENCE_LM, back, "--max-shard-size", "1MiB")
        files = [name for name in os.listdir(back) if name.endswith(".safetensors")]
        self.assertGreater(len(files), 2)
        self.assertTrue(os.path.exists(os.path.join(back, "model.safetensors.index.json")))
        self.compare(program.LICENCE_LM, back)

    def test_same_bytes_twice(self):
        """converting twice gives the same file: nothing depends on the time of day"""
        for name in ("a.gguf", "b.gguf"):
            self.must("convert", program.LICENCE_LM, self.path(name), "--quantize", "Q8_0")
        self.assertEqual(program.sha256_of(self.path("a.gguf")), program.sha256_of(self.path("b.gguf")))

    def test_directory_keeps_its_other_files(self):
        """directory -> directory: configuration, tokenizer and model card come along"""
        back = self.path("copy")
        self.must("convert", program.LICENCE_LM, back)
        self.compare(program.LICENCE_LM, back)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "README.md"):
            self.assertTrue(os.path.exists(os.path.join(back, name)), name)


program.main()
