#!/usr/bin/env python3
"""make_model.py DIR: a checkpoint of the invented family "Lantern", made of examples/licence-lm-2m.

The weights are the same. Names differ, queries, keys and values are one tensor, gate and up projection another, and
config.json has words of its own. Needs nothing but Python.
"""
import json
import os
import shutil
import struct
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../licence-lm-2m")
NAMES = {"self_attn.o_proj": "attn.out", "mlp.down_proj": "ffn.down", "self_attn.q_norm": "attn.q_norm", "self_attn.k_norm": "attn.k_norm",
         "post_attention_layernorm": "attn_norm", "post_feedforward_layernorm": "ffn_norm"}
FUSED = {"attn.qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"), "ffn.gate_up": ("mlp.gate_proj", "mlp.up_proj")}
OUTSIDE = {"model.embed_tokens.weight": "embed.weight", "model.norm.weight": "norm.weight", "lm_head.weight": "head.weight"}
CONFIG = {"rms_norm_eps": "norm_eps", "rope_theta": "rotary_base", "num_hidden_layers": "n_layers"}


def read():
    """{name: (shape, bytes)} of the source; all of it is bf16."""
    with open(os.path.join(SOURCE, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def rename(tensors, layers):
    renamed = {new: tensors[old] for old, new in OUTSIDE.items()}
    for layer in range(layers):
        old, new = f"model.layers.{layer}.", f"blocks.{layer}."
        for before, after in NAMES.items():
            renamed[f"{new}{after}.weight"] = tensors[f"{old}{before}.weight"]
        for after, parts in FUSED.items():
            found = [tensors[f"{old}{part}.weight"] for part in parts]
            renamed[f"{new}{after}.weight"] = ([sum(shape[0] for shape, _ in found), found[0][0][1]], b"".join(data for _, data in found))
    return renamed


def write(path, tensors):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, data in tensors.values()))


def main():
    target = sys.argv[1]
    os.makedirs(target)
    with open(os.path.join(SOURCE, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    write(os.path.join(target, "model.safetensors"), rename(read(), config["num_hidden_layers"]))
    config = {CONFIG.get(key, key): value for key, value in config.items() if key != "rope_scaling"}
    config.update(architectures=["LanternForCausalLM"], model_type="lantern")
    with open(os.path.join(target, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    for name in ("generation_config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(SOURCE, name), target)


if __name__ == "__main__":
    main()
