"""The models of the whole-file test: checkpoints in the Hugging Face layout, and GGUF files of shapes and names that
quantization recipes treat apart. The GGUF files have few rows, since a recipe looks at names, row lengths and counts."""
import json
import os
import subprocess
import sys

import gguf_file
import make_checkpoint
import numpy as np
import program

# Variants of a class that bring nothing of their own here.
LEFT_OUT = {
    "LlamaForCausalLM.tinyllama1b": "1.1 billion weights",
    "LlamaForCausalLM.hftok": "differs from LlamaForCausalLM in its tokenizer alone",
    "DeepseekV3ForCausalLM.fp8": "its weights are quantized as they are decoded, not rounded to BF16 before",
    "LlamaForCausalLM.l16": "the GGUF file \"dense\" has 16 layers",
}
# A recipe looks at names, shapes and counts, which most families share: all recipes for two of them, these for the others.
EVERY_RECIPE = ("LlamaForCausalLM", "Olmo2ForCausalLM")
# Q8_0 of a directory is the converter's, which tests/parity compares.
SOME_RECIPES = ("Q4_K_M", "Q3_K_M", "Q2_K", "IQ4_XS")
SMALLER = ("--ffn", "256")
OPTIONS = {
    "LlamaForCausalLM.h320": ("--ffn", "288", "--layers", "1"),  # rows that are not multiples of 256
    "LlamaForCausalLM.gqa4": (*SMALLER, "--layers", "4"),
}
GGUF_TYPES = {"F32": 0, "F16": 1, "BF16": 30}


def mapped_checkpoints():
    """Names for make_checkpoint.py of all checkpoints whose class has an architecture map."""
    done = program.run("architectures", "--json")
    classes = {name for entry in json.loads(done.out)["architectures"] for name in entry["hf_classes"]}
    names = subprocess.run([sys.executable, os.path.join(program.TOOLS, "make_checkpoint.py"), "--list"],
                           check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [name for name in names if name.split(".")[0] in classes and name not in LEFT_OUT]


def is_tried(name, recipe):
    """Whether a model of this name is quantized by this recipe; GGUF files and the toy model by every one."""
    is_class = name[0].isupper()
    return not is_class or name.split(".")[0] in EVERY_RECIPE or recipe in SOME_RECIPES


def weights(name, shape, kind):
    """Numbers of a tensor, in GGUF's order of axes; every tensor has its own size."""
    seed = make_checkpoint.fnv1a64(name.encode()) % (1 << 32)
    dice = np.random.RandomState(seed)
    numbers = (dice.standard_normal(int(np.prod(shape))) * 2.0 ** dice.randint(-7, 1)).astype(np.float32)
    numbers[dice.random_sample(numbers.size) < 0.01] *= 6
    if kind == "F32":
        return numbers.astype("<f4").tobytes()
    return numbers.astype("<f2").tobytes() if kind == "F16" else make_checkpoint.to_bf16(numbers).astype("<u2").tobytes()


class Gguf:
    """A GGUF file in the making: keys of one architecture, tensors by name and shape (GGUF's order, row length first)."""

    def __init__(self, arch, layers, heads, kv_heads, kind="BF16", **keys):
        self.arch, self.layers, self.kind, self.tensors = arch, layers, kind, []
        numbers = {"context_length": 128, "embedding_length": 256, "feed_forward_length": 256, "block_count": layers,
                   "attention.head_count": heads, "attention.head_count_kv": kv_heads, **keys}
        number, real = gguf_file.UINT32, gguf_file.FLOAT32
        self.attrs = [gguf_file.attr("general.architecture", gguf_file.STRING, arch)]
        self.attrs += [gguf_file.attr(f"{arch}.{key}", number, value) for key, value in numbers.items()]
        self.attrs += [gguf_file.attr(f"{arch}.attention.layer_norm_rms_epsilon", real, 1e-5),
                       gguf_file.attr(f"{arch}.attention.layer_norm_epsilon", real, 1e-5),
                       gguf_file.attr("general.file_type", number, 32 if kind == "BF16" else 1 if kind == "F16" else 0)]

    def add(self, name, *shape, kind=None):
        kind = kind or (self.kind if len(shape) > 1 else "F32")
        self.tensors.append((name, shape, GGUF_TYPES[kind], weights(name, shape, kind)))

    def attention(self, layer, row=256):
        for part in ("q", "k", "v", "output"):
            self.add(f"blk.{layer}.attn_{part}.weight", row, 3)
        self.add(f"blk.{layer}.attn_norm.weight", row)

    def feed_forward(self, layer, row=256, down=None, experts=0):
        stack, suffix = ((experts,), "_exps") if experts else ((), "")
        for part in ("gate", "up", "down"):
            self.add(f"blk.{layer}.ffn_{part}{suffix}.weight", (down or row) if part == "down" else row, 3, *stack)
        if experts:
            self.add(f"blk.{layer}.ffn_gate_inp.weight", row, experts, kind="F32")

    def ends(self, row=256, is_tied=False):
        self.add("token_embd.weight", row, 5)
        self.add("output_norm.weight", row)
        if not is_tied:
            self.add("output.weight", row, 5)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(gguf_file.padded_bytes(self.attrs, self.tensors))
        return path


def llama(layers=4, heads=4, kv_heads=4, row=256, down=None, experts=0, is_tied=False, kind="BF16"):
    keys = {"expert_count": experts, "expert_used_count": 2} if experts else {}
    model = Gguf("llama", layers, heads, kv_heads, kind, **keys)
    model.ends(row, is_tied)
    for layer in range(layers):
        model.attention(layer, row)
        model.feed_forward(layer, row, down, experts)
    return model


def falcon():
    model = Gguf("falcon", 16, 8, 1)
    model.ends()
    for layer in range(16):
        for part in ("attn_qkv", "attn_output", "ffn_up", "ffn_down"):
            model.add(f"blk.{layer}.{part}.weight", 256, 3)
    return model


def fused_attention():
    """attn_qkv, and position embeddings that stay as they are."""
    model = Gguf("gpt2", 8, 4, 4)
    model.ends()
    model.add("position_embd.weight", 256, 4)
    for layer in range(8):
        for part in ("attn_qkv", "attn_output", "ffn_up", "ffn_down"):
            model.add(f"blk.{layer}.{part}.weight", 256, 3)
            model.add(f"blk.{layer}.{part}.bias", 3)
    return model


# Tensors that are never quantized, for their names or their shape, and some that only look so.
ODD_NAMES = ("per_layer_token_embd.weight", "per_layer_model_proj.weight", "altup_proj.weight", "token_types.weight",
             "position_embd.weight", "blk.0.laurel_l.weight", "blk.0.ssm_conv1d.weight", "blk.0.shortconv.conv.weight",
             "blk.0.attn_rel_b.weight", "blk.0.time_mix_w1.weight", "blk.0.time_mix_decay_w2.weight", "blk.0.time_mix_key.weight",
             "blk.0.indexer.k_proj.weight", "blk.0.attn_kv_b.weight", "blk.0.attn_q_norm.weight", "blk.0.ffn_gate_inp_shexp.weight",
             "blk.0.ffn_down_shexp.weight", "blk.0.ffn_down.scale", "blk.0.exp_probs_b.bias", "blk.1.attn_qkv.weight_extra",
             "blk.1.attn_q_a.weight", "v.blk.0.attn_q.weight", "mm.0.weight")


def odd_names():
    model = llama(layers=2)
    for name in ODD_NAMES:
        model.add(name, 256, 2)
    model.add("blk.0.attn_k_b.weight", 256, 2, 3)
    model.add("blk.1.attn_v_b.weight", 256, 2, 1)
    return model


def gguf_models():
    """{name: Gguf}."""
    return {
        "dense": llama(layers=16),
        "dense f16": llama(layers=2, kind="F16"),
        "dense f32": llama(layers=2, kind="F32"),
        "grouped queries": llama(layers=9, heads=8, kv_heads=2),
        "80 layers": llama(layers=80, heads=64, kv_heads=8),
        "4 experts": llama(layers=8, experts=4),
        "8 experts": llama(layers=8, heads=8, kv_heads=2, experts=8),
        "tied": llama(is_tied=True),
        "rows of 576": llama(row=576),
        "rows of 288": llama(row=288),
        "rows of 100": llama(row=100, is_tied=True),
        "down of 64": llama(down=64),
        "tied rows of 320": llama(row=320, is_tied=True),
        "experts of 288": llama(row=512, down=288, experts=4),
        "falcon": falcon(),
        "fused attention": fused_attention(),
        "odd names": odd_names(),
    }
