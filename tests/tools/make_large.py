#!/usr/bin/env python3
"""Writes a large Llama checkpoint in bf16, fast: `make_large.py OUT_DIR MIB [SHARDS]`.

Two thirds of it are two tensors, q_proj and o_proj of the one layer; q_proj's rows are reordered on the way to GGUF, so
moving it takes more than copying. The weights are one block of 4 MiB repeated, each tensor begun at another place in it;
configuration and tokenizer are those of make_checkpoint.py's Llama.
"""
import argparse
import json
import os
import random
import struct

import make_checkpoint

BLOCK = 4 << 20
HEAD = 128


def block_of_weights():
    """bf16 values between 2^-15 and 4 of either sign: no NaN, no infinity."""
    dice = random.Random(1)
    block = bytearray(dice.randbytes(BLOCK))
    high = bytes(sign | exponent for sign in (0, 0x80) for exponent in range(0x38, 0x40)) * 16
    block[1::2] = bytes(block[1::2]).translate(high)
    return bytes(block)


def shapes(size_mib, vocabulary):
    """{name: shape} of about that size, two bytes a weight."""
    hidden = 2048 if size_mib < 1024 else 4096
    heads = max(2, (size_mib << 20) * 2 // 5 // (hidden * 2 * HEAD) // 2 * 2)
    rest = (size_mib << 20) // 5 // (3 * hidden * 2) // 256 * 256
    layer = "model.layers.0."
    return hidden, heads, rest, {
        "model.embed_tokens.weight": (vocabulary, hidden),
        layer + "self_attn.q_proj.weight": (heads * HEAD, hidden),
        layer + "self_attn.k_proj.weight": (2 * HEAD, hidden),
        layer + "self_attn.v_proj.weight": (2 * HEAD, hidden),
        layer + "self_attn.o_proj.weight": (hidden, heads * HEAD),
        layer + "mlp.gate_proj.weight": (rest, hidden),
        layer + "mlp.up_proj.weight": (rest, hidden),
        layer + "mlp.down_proj.weight": (hidden, rest),
        layer + "input_layernorm.weight": (hidden,),
        layer + "post_attention_layernorm.weight": (hidden,),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (vocabulary, hidden),
    }


def write_shard(path, tensors, block):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors:
        size = 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, _ in tensors:
            begin, stop = header[name]["data_offsets"]
            shift = make_checkpoint.fnv1a64(name.encode()) % (BLOCK // 2) * 2
            turned = block[shift:] + block[:shift]
            for at in range(begin, stop, BLOCK):
                file.write(turned[:stop - at])
    return end


def make(folder, size_mib, shards=1):
    """Writes the checkpoint; (bytes of weights, bytes of the largest tensor)."""
    defaults = argparse.Namespace(dtype="bf16", seed=1, shards=1, hidden=0, ffn=0, layers=1, heads=0, kv=0, experts=0, vocab=0)
    model = make_checkpoint.build("LlamaForCausalLM", folder, defaults)
    os.remove(os.path.join(folder, "model.safetensors"))
    hidden, heads, rest, tensors = shapes(size_mib, model.cfg["vocab_size"])
    model.cfg.update(hidden_size=hidden, intermediate_size=rest, num_attention_heads=heads, num_key_value_heads=2,
                     head_dim=HEAD, num_hidden_layers=1)
    make_checkpoint.jdump(os.path.join(folder, "config.json"), model.cfg)
    items, block, total, places = list(tensors.items()), block_of_weights(), 0, {}
    for index in range(shards):
        name = "model.safetensors" if shards == 1 else f"model-{index + 1:05d}-of-{shards:05d}.safetensors"
        part = items[index::shards]
        total += write_shard(os.path.join(folder, name), part, block)
        places.update({tensor: name for tensor, _ in part})
    if shards > 1:
        make_checkpoint.jdump(os.path.join(folder, "model.safetensors.index.json"),
                              {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))})
    return total, 2 * hidden * heads * HEAD


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("mib", type=int)
    parser.add_argument("shards", type=int, nargs="?", default=1)
    options = parser.parse_args()
    print("%d bytes, the largest tensor has %d" % make(options.folder, options.mib, options.shards))
