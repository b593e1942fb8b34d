"""heirloom id: digests and roots, held against an independent script and figures that others published."""
import json
import os
import shutil
import struct
import subprocess
import sys
import unittest

import gguf_file
import program
import safetensors_file
import weight_identity

PEER = sys.argv.pop(1) if len(sys.argv) > 1 else ""
LIBRARIES = os.path.join(os.environ.get("HEIRLOOM_NPM_DIR", ""), "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64")
ROOTS = ("weightStoredRootV1", "metadataRootV1", "weightValueSetRootV1")
F32_FILE_TYPE = "0"

# llama.cpp, examples/gguf-hash/README.md: what gguf-hash prints for its test.gguf.
COUNTS = (1344, 420, 80, 147, 2, 8, 3, 192, 9, 320)
PUBLISHED = """
sha1      59f79ecefd8125a996fdf419239051a7e99e5f20  test.gguf:tensor_0
sha256    c0510d38fa060c46265e0160a85c7243096b01dd31c2f355bdbb5516b20de1bd  test.gguf:tensor_0
sha1      4765f592eacf096df4628ba59476af94d767080a  test.gguf:tensor_1
sha256    8514cbcc73692a2c56bd7a33a022edd5ff819614bd23b19915d7224387f397a7  test.gguf:tensor_1
sha1      25cbfbad4513cc348e2c95ebdee69d6ff2fd8753  test.gguf:tensor_2
sha256    947e6b36e20f2cc95e1d2ce1c1669d813d574657ac6b5ac5196158d454d35180  test.gguf:tensor_2
sha1      a9cba73e2d90f2ee3dae2548caa42bef3fe6a96c  test.gguf:tensor_3
sha256    423b044e016d8ac73c39f23f60bf01bedef5ecb03c0230accd824c91fe86f1a1  test.gguf:tensor_3
sha1      d7bc61db93bb685ce9d598da89717c66729b7543  test.gguf:tensor_4
sha256    79737cb3912d4201384cf7f16a1a37ff7823f23ea796cb205b6ca361ab9e3ebf  test.gguf:tensor_4
sha1      0706566c198fe1072f37e0a5135b4b5f23654c52  test.gguf:tensor_5
sha256    60949be8298eced0ecdde64487643d018407bd261691e061d9e9c3dbc9fd358b  test.gguf:tensor_5
sha1      73922a0727226a409049f6fc3172a52219ca6f00  test.gguf:tensor_6
sha256    574f4c46ff384a3b9a225eb955d2a871847a2e8b3fa59387a8252832e92ef7b0  test.gguf:tensor_6
sha1      efc39cece6a951188fc41e354c73bbfe6813d447  test.gguf:tensor_7
sha256    4c0410cd3c500f078ae5b21e8dc9eb79e29112713b2ab58a882f82a3868d4d75  test.gguf:tensor_7
sha1      c2490296d789a4f34398a337fed8377d943d9f06  test.gguf:tensor_8
sha256    c4401313feeba0261275c3b25bd2d8fe40ce04e0f440c2980ed0e9674c30ff01  test.gguf:tensor_8
sha1      7047ce1e78437a6884337a3751c7ee0421918a65  test.gguf:tensor_9
sha256    23d57cf0d7a6e90b0b3616b41300e0cd354781e812add854a5f95aa55f2bc514  test.gguf:tensor_9
sha1      d15be52c4ff213e823cb6dd13af7ee2f978e7042  test.gguf
sha256    7dd641b32f59b60dbd4b5420c4b0f6321ccf48f58f6ae201a3dbc4a58a27c6e4  test.gguf
"""

# Plain, permuted heads with biases, fused qkv, stacked experts, one-dimensional convolutions with split projections.
FAMILIES = ("Olmo2ForCausalLM", "LlamaForCausalLM.bias", "Qwen3ForCausalLM", "MixtralForCausalLM", "Qwen3MoeForCausalLM", "Phi3ForCausalLM",
            "GPTNeoXForCausalLM", "FalconForCausalLM.40b", "GPT2LMHeadModel.mask", "DeepseekV2ForCausalLM.lite", "Glm4ForCausalLM", "StableLmForCausalLM")


class Identity(program.Case):
    def identity(self, path, *options):
        return self.must_json("id", path, "--json", *options)

    def value_root(self, path):
        found = self.identity(path)
        self.assertIsNone(found["why_no_value_root"], path)
        return found["weightValueRootV1"]

    def agrees(self, path):
        """With the independent script; returns what heirloom says."""
        own, other = self.identity(path), weight_identity.identity(path)
        for root in ROOTS:
            self.assertEqual(own[root], other[root], root)
        self.assertEqual({t["name"]: [t["raw"], t["digest"], t["value"]] for t in own["tensors"]}, other["tensors"])
        return own, other

    def test_independent_script(self):
        """an independent script, written from the page alone, finds the same digests and roots in files that heirloom wrote"""
        source = program.checkpoint("LlamaForCausalLM", self.path("hf"), "--shards", "2")
        own, other = self.agrees(source)
        self.assertEqual(own["weightValueRootV1"], other["names_and_values"])
        for recipe in ("BF16", "F16", "F32", "Q8_0", "Q4_K_M"):
            with self.subTest(recipe=recipe):
                self.must("convert", program.LICENCE_LM, self.path(recipe + ".gguf"), "--quantize", recipe)
                own, other = self.agrees(self.path(recipe + ".gguf"))
                self.assertEqual(own["weightValueSetRootV1"] is None, recipe.startswith("Q"))
        self.must("convert", self.path("F16.gguf"), self.path("back/"))
        own, other = self.agrees(self.path("back"))
        self.assertEqual(own["weightValueRootV1"], other["names_and_values"])

    def test_data_types(self):
        """every data type, with NaNs of several kinds, infinities, both zeros, and numbers that only the widest class holds"""
        floats = struct.pack("<6f", 0.0, -0.0, float("inf"), 1.5, -2.0, 3e38) + struct.pack("<2I", 0xffc00001, 0x7f800001)
        doubles = struct.pack("<3d", 1.5, -0.0, float("-inf")) + struct.pack("<Q", 0x7ff0000000000001)
        tensors = {"f32": ("F32", [2, 4], floats), "f32.plain": ("F32", [3], floats[:12]), "f64.narrow": ("F64", [4], doubles),
                   "f64.wide": ("F64", [5], doubles + struct.pack("<d", 0.1)), "f64.large": ("F64", [1], struct.pack("<d", 1e300)),
                   "f16": ("F16", [4], struct.pack("<4H", 0x7e01, 0xfc00, 1, 0x8000)), "bf16": ("BF16", [4], struct.pack("<4H", 0xffc1, 0xff80, 1, 0x8000)),
                   "bool": ("BOOL", [2], b"\0\1"), "u8": ("U8", [2], b"\xff\0"), "i8": ("I8", [2], b"\xff\0"), "i16": ("I16", [1], b"\xfe\xff"),
                   "i32": ("I32", [1], b"\xfe\xff\xff\xff"), "i64": ("I64", [1], b"\xfe" + 7 * b"\xff"), "u64": ("U64", [2], struct.pack("<2Q", 7, 2**63)),
                   "u64.small": ("U64", [1], struct.pack("<Q", 7)), "u32": ("U32", [1], b"\xff\xff\xff\xff"), "scalar": ("F32", [], floats[:4]),
                   "empty": ("F32", [0, 4], b"")}
        os.makedirs(self.path("x"))
        tensors = {name: safetensors_file.Tensor(*tensor) for name, tensor in tensors.items()}
        self.write("x/model.safetensors", safetensors_file.file_bytes(tensors, {"a": "b", "é": "ü"}))
        self.agrees(self.path("x"))

    def test_published(self):
        """--gguf-hash prints what llama.cpp published for its test file"""
        tensors = [(f"tensor_{i}", [count], gguf_file.F32, struct.pack(f"<{count}f", *[100.0 + i] * count)) for i, count in enumerate(COUNTS)]
        self.write("test.gguf", gguf_file.file_bytes([], tensors))
        out = self.must("id", self.path("test.gguf"), "--gguf-hash").out
        self.assertIn(PUBLISHED, out)
        self.assertIn("uuid", out)
        done = self.must("id", program.LICENCE_LM, "--gguf-hash", code=2)
        self.assertIn("--gguf-hash is for a GGUF", done.err)

    def test_families(self):
        """a Hugging Face checkpoint and the BF16 and F32 GGUF made from it have one value root; their stored roots differ"""
        for family in FAMILIES:
            with self.subTest(family=family):
                source = program.checkpoint(family, self.path(family))
                root = self.value_root(source)
                for recipe in ("BF16", "F32"):
                    gguf = self.path(f"{family}-{recipe}.gguf")
                    self.must("convert", source, gguf, "--quantize", recipe)
                    self.assertEqual(self.value_root(gguf), root, recipe)
                self.assertNotEqual(self.identity(gguf)["weightStoredRootV1"], self.identity(source)["weightStoredRootV1"])
                shutil.rmtree(source)

    def test_half(self):
        """likewise F16, where it holds every number"""
        source = program.checkpoint("Qwen2ForCausalLM", self.path("hf"), "--dtype", "f16")
        self.must("convert", source, self.path("x.gguf"), "--quantize", "F16")
        self.assertEqual(self.value_root(self.path("x.gguf")), self.value_root(source))

    @unittest.skipUnless(PEER and os.path.isdir(LIBRARIES), "npm's llama.cpp is not there: 1 case is left out")
    def test_llama_cpp(self):
        """a GGUF that llama.cpp's own library wrote, in F32, has the value root of the Hugging Face checkpoint"""
        for family in ("LlamaForCausalLM", "Qwen3MoeForCausalLM"):
            source = program.checkpoint(family, self.path(family))
            ours, theirs = self.path("ours.gguf"), self.path("theirs.gguf")
            self.must("convert", source, ours, "--quantize", "BF16", "--force")
            subprocess.run([PEER, LIBRARIES, ours, theirs, F32_FILE_TYPE], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual({t["encoding"] for t in self.identity(theirs)["tensors"]}, {"f32"})
            self.assertEqual(self.value_root(theirs), self.value_root(source), family)

    def test_one_number(self):
        """one changed number changes every root but that of the metadata; one changed key that alone; a permuted row the value roots"""
        source = program.checkpoint("LlamaForCausalLM", self.path("hf"))
        before = self.identity(source)
        name = os.path.join(source, "model.safetensors")
        data = bytearray(program.bytes_of(name))
        data[-2] ^= 1
        self.write("hf/model.safetensors", bytes(data))
        after = self.identity(source)
        for root in (*ROOTS, "weightValueRootV1"):
            self.assertEqual(before[root] == after[root], root == "metadataRootV1", root)
        tensors, _ = safetensors_file.read_file(name)
        self.write("hf/model.safetensors", safetensors_file.file_bytes(tensors, {"format": "pt", "new": "key"}))
        other = self.identity(source)
        for root in (*ROOTS, "weightValueRootV1"):
            self.assertEqual(other[root] == after[root], root != "metadataRootV1", root)

    def test_threads_and_memory(self):
        """the answer is the same for any number of threads, any memory and any instruction set; --no-values leaves the values out"""
        self.must("convert", program.checkpoint("MixtralForCausalLM", self.path("hf")), self.path("x.gguf"))
        for path in (self.path("hf"), self.path("x.gguf")):
            wanted = self.identity(path)
            for options in (("--threads", "1"), ("--threads", "5"), ("--threads", "2", "--memory", "4MiB")):
                self.assertEqual(self.identity(path, *options), wanted)
            done = program.run("id", path, "--json", env=dict(os.environ, HEIRLOOM_ISA="scalar"))
            self.assertEqual(json.loads(done.out), wanted)
            bare = self.identity(path, "--no-values")
            self.assertEqual(bare["weightStoredRootV1"], wanted["weightStoredRootV1"])
            self.assertIsNone(bare["weightValueRootV1"])
            self.assertIsNone(bare["weightValueSetRootV1"])

    def test_tied(self):
        """embeddings that are tied: a repeated lm_head is no part of the value root"""
        source = program.checkpoint("Qwen2ForCausalLM", self.path("hf"))
        config = json.loads(program.bytes_of(os.path.join(source, "config.json")))
        tensors = safetensors_file.read_checkpoint(source)
        config["tie_word_embeddings"] = True
        self.write("hf/config.json", json.dumps(config).encode())
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
        self.write("hf/model.safetensors", safetensors_file.file_bytes(tensors))
        with_head = self.value_root(source)
        del tensors["lm_head.weight"]
        self.write("hf/model.safetensors", safetensors_file.file_bytes(tensors))
        self.assertEqual(self.value_root(source), with_head)
        self.must("convert", source, self.path("x.gguf"))
        self.assertEqual(self.value_root(self.path("x.gguf")), with_head)

    def test_no_value_root(self):
        """there is none, and the report says why: blocks, sums that are rounded, a tensor that the map leaves out, no family"""
        self.must("convert", program.LICENCE_LM, self.path("q.gguf"), "--quantize", "Q4_K_M")
        gemma = program.checkpoint("GemmaForCausalLM", self.path("gemma"))
        self.assertIsNotNone(self.value_root(gemma))
        self.must("convert", gemma, self.path("gemma.gguf"))
        fp8 = program.checkpoint("DeepseekV3ForCausalLM.fp8", self.path("fp8"))
        bert = program.checkpoint("BertModel", self.path("bert"))
        self.write("plain.safetensors", safetensors_file.file_bytes({"a": safetensors_file.Tensor("F32", [1], b"\0\0\0\0")}))
        for path, word in ((self.path("q.gguf"), "no canonical form"), (self.path("gemma.gguf"), "lose digits"), (fp8, "quantized"), (bert, "leaves out tensor"),
                           (self.path("plain.safetensors"), "nothing says what family")):
            found = self.identity(path)
            self.assertIsNone(found["weightValueRootV1"], path)
            self.assertIn(word, found["why_no_value_root"])
            self.assertIn("none: ", self.must("id", path).out)

    def test_chat_template(self):
        """what decides behaviour is listed; a chat template has one digest beside the weights and among the keys"""
        artefacts = {a["item"]: a["sha256"] for a in self.identity(program.LICENCE_LM)["artefacts"]}
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            self.assertEqual(artefacts["file:" + name], program.sha256_of(os.path.join(program.LICENCE_LM, name)))
        self.must("convert", program.LICENCE_LM, self.path("x.gguf"))
        keys = {a["item"]: a["sha256"] for a in self.identity(self.path("x.gguf"))["artefacts"]}
        template = next((sha for item, sha in artefacts.items() if item in ("file:chat_template.jinja", "tokenizer_config.json:chat_template")), None)
        self.assertIn("keys:tokenizer.*", keys)
        self.assertEqual(keys.get("key:tokenizer.chat_template"), template)

    def test_damaged(self):
        """a file that is cut off: exit 2 with its name"""
        data = program.bytes_of(os.path.join(program.LICENCE_LM, "model.safetensors"))
        self.write("cut.safetensors", data[:-5])
        done = self.must("id", self.path("cut.safetensors"), code=2)
        self.assertIn("cut.safetensors", done.err)


program.main()
