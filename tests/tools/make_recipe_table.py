#!/usr/bin/env python3
"""make_recipe_table.py PEER LIBRARIES - what llama.cpp's quantizer makes of models of many shapes, as a table.

Prints tests/unit/plan/recipe_table.txt: each model with its tensors, then a line for each recipe and way (without or with an
importance matrix; "both" where they agree). PEER is tests/peer/peer_quantize, LIBRARIES the folder with libllama. Only names,
shapes and keys matter: the weights are zeros, and nothing is written.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

import gguf_file

RECIPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13,
           "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ2_XXS": 19, "IQ2_XS": 20, "Q2_K_S": 21,
           "IQ3_XS": 22, "IQ3_XXS": 23, "IQ1_S": 24, "IQ4_NL": 25, "IQ3_S": 26, "IQ3_M": 27, "IQ2_S": 28, "IQ2_M": 29,
           "IQ4_XS": 30, "IQ1_M": 31, "TQ1_0": 36, "TQ2_0": 37, "MXFP4_MOE": 38, "Q1_0": 40, "Q2_0": 41, "F16": 1, "BF16": 32}
BF16 = 30


def dense(row=256, down=None, names=("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")):
    return [(f"blk.{{i}}.{name}.weight", ((down or row) if name == "ffn_down" else row, 2)) for name in names]


def experts(count):
    stacks = [(f"blk.{{i}}.ffn_{part}_exps.weight", (256, 2, count)) for part in ("gate", "up", "down")]
    shared = [("blk.{i}.ffn_down_shexp.weight", (256, 2)), ("blk.{i}.attn_k_b.weight", (256, 2, 3))]
    return dense(names=("attn_q", "attn_k", "attn_v", "attn_output")) + stacks + shared


EMBEDDINGS = [("token_embd.weight", (256, 4))]
ENDS = EMBEDDINGS + [("output.weight", (256, 4))]
FUSED = dense(names=("attn_qkv", "attn_output", "ffn_up", "ffn_down"))
# name: architecture, layers, heads, key and value heads, experts, tensors
MODELS = {
    "sixteen layers": ("llama", 16, 8, 8, 0, ENDS + dense()),
    "thirty-two layers, four heads to one": ("llama", 32, 32, 8, 0, ENDS + dense()),
    "eighty layers": ("llama", 80, 64, 8, 0, ENDS + dense(names=("attn_v", "ffn_up", "ffn_down"))),
    "eighty layers of Qwen": ("qwen2", 80, 64, 32, 0, ENDS + dense(names=("attn_v", "attn_output"))),
    "eight experts": ("llama", 16, 32, 8, 8, ENDS + experts(8)),
    "four experts": ("llama", 8, 8, 8, 4, ENDS + experts(4)),
    "falcon": ("falcon", 32, 8, 1, 0, ENDS + FUSED),
    "fused attention": ("gpt2", 12, 4, 4, 0, EMBEDDINGS + FUSED),
    "tied, rows of 288": ("llama", 4, 8, 4, 0, [("token_embd.weight", (288, 4))] + dense(288, down=576)),
    "rows of 320": ("llama", 2, 8, 8, 0, [("token_embd.weight", (320, 4)), ("output.weight", (320, 4))] + dense(320)),
    "rows of 100": ("llama", 2, 8, 8, 0, [("token_embd.weight", (100, 4)), ("output.weight", (256, 4))] + dense(100)),
}


def spread(tensors, layers):
    for name, shape in tensors:
        for i in range(layers if "{i}" in name else 1):
            yield name.replace("{i}", str(i)), shape


def write(path, model):
    arch, layers, heads, kv_heads, expert_count, tensors = model
    numbers = {"context_length": 128, "embedding_length": 256, "feed_forward_length": 256, "block_count": layers,
               "attention.head_count": heads, "attention.head_count_kv": kv_heads, "expert_count": expert_count,
               "expert_used_count": min(2, expert_count)}
    attrs = [gguf_file.attr("general.architecture", gguf_file.STRING, arch)]
    attrs += [gguf_file.attr(f"{arch}.{key}", gguf_file.UINT32, value) for key, value in numbers.items()]
    attrs += [gguf_file.attr(f"{arch}.attention.layer_norm{kind}_epsilon", gguf_file.FLOAT32, 1e-5) for kind in ("", "_rms")]
    data = [(name, shape, BF16, bytes(2 * shape[0] * shape[1] * (shape + (1,))[2])) for name, shape in spread(tensors, layers)]
    content = gguf_file.file_bytes(attrs, data)
    with open(path, "wb") as file:
        file.write(content + bytes(-len(content) % 32))


def encodings(peer, folder, model, file_type, is_weighted):
    """A cell for each row of tensors, "TYPE*COUNT TYPE*COUNT ..." layer by layer; None where llama.cpp refuses."""
    matrix = ["--imatrix", os.path.join(folder, "empty.dat")] if is_weighted else []
    done = subprocess.run([*peer, os.path.join(folder, "model.gguf"), os.path.join(folder, "out.gguf"), str(file_type),
                           "--threads", "1", "--dry-run", *matrix], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "failed to quantize" in done.stdout:
        return None
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"\[ *\d+/ *\d+\] (\S+) .*type = *(\S+), size = .*?(?:\((\S+)\))?$", line)
        if match:
            found[match[1]] = (match[3] or match[2]).lower()
    cells = []
    for name, _ in model[5]:
        runs = []
        for i in range(model[1] if "{i}" in name else 1):
            kind = found[name.replace("{i}", str(i))]
            if runs and runs[-1][0] == kind:
                runs[-1][1] += 1
            else:
                runs.append([kind, 1])
        cells.append(" ".join(kind if count == 1 else f"{kind}*{count}" for kind, count in runs))
    return " | ".join(cells)


def main():
    peer = sys.argv[1:3]
    print("# Made by tests/tools/make_recipe_table.py from llama.cpp v0.5.0. A model's line: architecture, layers, heads, key and")
    print("# value heads, experts. Each of its tensors has a cell in the lines of recipes: TYPE*COUNT, layer by layer.")
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "empty.dat"), "wb") as file:
            file.write(struct.pack("<i", 0))
        for title, model in MODELS.items():
            print(f"model {' '.join(map(str, model[:5]))} {title}")
            for name, shape in model[5]:
                print(f"tensor {name} {' '.join(map(str, shape))}")
            write(os.path.join(folder, "model.gguf"), model)
            for recipe, file_type in RECIPES.items():
                plain, weighted = (encodings(peer, folder, model, file_type, way) for way in (False, True))
                for way, cells in (("both", plain),) if plain == weighted else (("without", plain), ("with", weighted)):
                    print(f"{way} {recipe} {cells or 'refused'}", flush=True)


main()
