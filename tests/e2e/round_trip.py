"""Hugging Face -> GGUF -> Hugging Face gives back the same tensors, byte for byte, but for those that two tables name."""
import json
import os
import re

import dump_gguf
import numpy as np
import program
import safetensors_file


# Variants of a class that a family's own checkpoint does not cover.
VARIANTS = ("MistralForCausalLM.nemo", "DeepseekV2ForCausalLM.lite", "GptOssForCausalLM.bf16", "NemotronHForCausalLM.moe",
            "StableLmForCausalLM.qknorm", "Phi3ForCausalLM.phi4", "GPT2LMHeadModel.mask", "FalconForCausalLM.40b",
            "MambaForCausalLM.lmhead", "MambaForCausalLM.samehead", "Gemma4ForConditionalGeneration.moe",
            "Llama4ForConditionalGeneration", "DeepseekV3ForCausalLM.kimi-k2", "CohereForCausalLM.plus",
            "Exaone4ForCausalLM.small", "Mistral3ForConditionalGeneration.ministral")

# What does not come back, by class and pattern of names. GGUF has no place for it:
GONE = {
    "DeepseekV3ForCausalLM": r"model\.layers\.3\.",
    "Ernie4_5_MoeForCausalLM": r"model\.mtp_",
    "Qwen2_5_VLForConditionalGeneration": r"visual\.",
    "Mistral3ForConditionalGeneration": r"(vision_tower|multi_modal_projector)\.",
    "Mistral3ForConditionalGeneration.ministral": r"(vision_tower|multi_modal_projector)\.",
    "Llama4ForConditionalGeneration": r"(vision_model|multi_modal_projector)\.",
    "Qwen3_5ForConditionalGeneration": r"model\.visual\.",
    "Qwen3_5MoeForConditionalGeneration": r"model\.visual\.",
    "GPTNeoXForCausalLM": r".*\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)",
    "GPT2LMHeadModel.mask": r".*\.attn\.bias",
    "BertModel": r"pooler\.|embeddings\.position_ids",
    "MambaForCausalLM.samehead": r"lm_head\.weight",  # tied to the embeddings
    "Gemma3nForConditionalGeneration": r"model\.(vision_tower|audio_tower|embed_vision)\.",
    "Gemma4ForConditionalGeneration": r"model\.(vision_tower|embed_vision)\.",
    "Gemma4ForConditionalGeneration.moe": r"model\.(vision_tower|embed_vision)\.",
}
# Or it comes back near, since it was rounded on the way: so large a share of the number.
NEAR = {
    "KimiLinearForCausalLM": (r".*\.A_log", 2 ** -20),
    "Qwen3_5ForConditionalGeneration": (r".*\.A_log", 2 ** -20),
    "Qwen3_5MoeForConditionalGeneration": (r".*\.A_log", 2 ** -20),
    "MambaForCausalLM": (r".*\.A_log", 2 ** -20),
    "MambaForCausalLM.lmhead": (r".*\.A_log", 2 ** -20),
    "MambaForCausalLM.samehead": (r".*\.A_log", 2 ** -20),
}
# Where a GGUF without our record does not say it: only the published numbers are guessed, or nothing is.
WITH_RECORD_ONLY = {
    "GptOssForCausalLM": "asked for BF16, the way back does not store experts in MXFP4",
    "Gemma3nForConditionalGeneration": "how many rows embeddings of layers have before they are filled up",
    "Llama4ForConditionalGeneration": "that the text model was part of a larger one",
    "DeepseekV3ForCausalLM.kimi-k2": "model_type, by which the converter orders the keys of experts",
}
# Keys that config.json has only on the way back: what other files said.
ADDED = {"BertModel": ("sentence_transformers",)}


def families():
    """Names for make_checkpoint.py: the first class of each family of `heirloom architectures`, and variants."""
    listed = json.loads(program.run("architectures", "--json").out)["architectures"]
    return [entry["hf_classes"][0] for entry in listed] + list(VARIANTS)


def json_of(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def model_keys(path):
    """The keys that a model's configuration gives: those named after the architecture."""
    keys = dump_gguf.dump(path)["kv"]
    return [entry for entry in keys if entry["key"].startswith(keys[0]["value"] + ".")]


def numbers_of(tensor):
    """A tensor's numbers in binary64."""
    data = bytes(tensor.data)
    if tensor.dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").astype(np.float64)
    return np.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[tensor.dtype]).astype(np.float64)


def e4m3(data):
    """Numbers of e4m3 codes in binary32: a sign, four bits of exponent (bias 7), three of fraction."""
    code = np.frombuffer(bytes(data), np.uint8).astype(np.int32)
    exponent, fraction = code >> 3 & 15, code & 7
    size = np.where(exponent == 0, np.ldexp(fraction / 8.0, -6), np.ldexp(1 + fraction / 8.0, exponent - 7))
    return np.where(code >> 7 == 1, -size, size).astype(np.float32)


def class_of(source):
    return os.path.basename(source.rstrip("/"))


class RoundTrip(program.Case):
    provenance = "none"

    def there_and_back(self, source, recipe, back=None):
        gguf, back = self.path(recipe + ".gguf"), back or self.path(recipe + "-back")
        os.makedirs(os.path.dirname(back.rstrip("/")), exist_ok=True)
        self.must("convert", source, gguf, "--quantize", recipe)
        self.must("convert", gguf, back)
        self.compare(source, back)
        if class_of(source) not in GONE:
            self.must("diff", source, gguf)
        return gguf

    def compare(self, source, back, has_types=True):
        gone, (near, share) = GONE.get(class_of(source)), NEAR.get(class_of(source), (None, 0))
        expected, found = safetensors_file.read_checkpoint(source), safetensors_file.read_checkpoint(back)
        self.assertTrue(expected)
        for pattern in (gone, near):
            self.assertTrue(pattern is None or any(re.match(pattern, name) for name in expected), f"no tensor fits {pattern}")
        self.assertEqual(sorted(found), sorted(name for name in expected if not gone or not re.match(gone, name)))
        for name in found:
            tensor = expected[name]
            self.assertEqual(found[name].shape, tensor.shape, name)
            if found[name].dtype != tensor.dtype:
                self.assertFalse(has_types, f"{name}: {found[name].dtype}")
            elif near and re.match(near, name):
                apart, size = np.abs(numbers_of(found[name]) - numbers_of(tensor)), np.abs(numbers_of(tensor))
                self.assertTrue(np.all(apart <= share * np.maximum(size, 1)), f"{name}: other numbers")
            else:
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

    def test_every_family(self):
        """a checkpoint of every mapped class -> BF16 GGUF -> directory -> GGUF: tensors, config.json, and the GGUF again"""
        for name in families():
            with self.subTest(name=name):
                self.setUp()
                source, back = program.checkpoint(name, self.path(name)), self.path("back", name, "")
                gguf = self.there_and_back(source, "BF16", back)
                config = json_of(back, "config.json")
                for key in ADDED.get(name, ()):
                    config.pop(key)
                self.assertEqual(config, json_of(source, "config.json"))
                again = self.path("again.gguf")
                self.must("convert", back, again, "--quantize", "BF16")
                if name not in NEAR:
                    self.assertEqual(program.sha256_of(again), program.sha256_of(gguf))
                if name not in WITH_RECORD_ONLY:
                    self.come_back_without_record(source, gguf)
                self.there_and_back(source, "F32")

    def come_back_without_record(self, source, gguf):
        """A GGUF that does not say what config.json was: the keys of the model come out the same."""
        foreign = self.write("foreign.gguf", program.bytes_of(gguf).replace(b"heirloom.source.", b"somebody.source."))
        back, again = self.path("foreign-back"), self.path("foreign-again.gguf")
        self.must("convert", foreign, back, "--quantize", "BF16")
        self.compare(source, back, has_types=False)
        self.must("convert", back, again, "--quantize", "BF16")
        self.assertEqual(model_keys(again), model_keys(gguf))

    def test_fp8_comes_back_decoded(self):
        """FP8 with block scales -> F32 GGUF -> directory: each weight times the scale of its block, and no quantization_config"""
        name = "DeepseekV3ForCausalLM.fp8"
        source, back = program.checkpoint(name, self.path(name)), self.path("back", name, "")
        os.makedirs(os.path.dirname(back.rstrip("/")))
        self.must("convert", source, self.path("f32.gguf"), "--quantize", "F32")
        self.must("convert", self.path("f32.gguf"), back, "--quantize", "F32")
        expected, found = safetensors_file.read_checkpoint(source), safetensors_file.read_checkpoint(back)
        self.assertNotIn("quantization_config", json_of(back, "config.json"))
        weights = [name for name in found if name + "_scale_inv" in expected]
        self.assertGreater(len(weights), 20)
        for name in weights:
            scale = expected[name + "_scale_inv"]
            scales = numbers_of(scale).astype(np.float32).reshape(scale.shape).repeat(128, 0).repeat(128, 1)
            rows, columns = expected[name].shape
            wanted = e4m3(expected[name].data).reshape(rows, columns) * scales[:rows, :columns]
            self.assertTrue(found[name].data == wanted.astype("<f4").tobytes(), name)

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
