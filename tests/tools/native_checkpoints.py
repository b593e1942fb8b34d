"""Checkpoints in labs' own layouts, made from a Hugging Face directory with numpy alone, as the labs' code lays them out
(formats/facts/native-layouts.md): OLMo-core's distributed ones, Meta's consolidated ones of any number of ranks, Mistral's."""
import json
import os
import re

import numpy

import dcp_checkpoint
import safetensors_file
import torch_zip

TORCH = {"BF16": ("bfloat16", "u2"), "F16": ("float16", "u2"), "F32": ("float32", "f4")}


def read(folder):
    """(config.json, {name: torch_zip.Tensor}) of a Hugging Face directory."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    tensors = {}
    for name, (dtype, shape, data) in safetensors_file.read_checkpoint(folder).items():
        torch_dtype, kind = TORCH[dtype]
        tensors[name] = torch_zip.Tensor(torch_dtype, numpy.frombuffer(data, "<" + kind).reshape(shape))
    return config, tensors


def to_pairs(array, heads):
    """Rows of each head from halves to pairs: row 2j is row j, row 2j+1 is row j + d/2."""
    rows, columns = array.shape
    return array.reshape(heads, 2, rows // heads // 2, columns).transpose(0, 2, 1, 3).reshape(rows, columns)


META_NAMES = [
    (r"model\.embed_tokens\.weight", "tok_embeddings.weight"), (r"model\.norm\.weight", "norm.weight"),
    (r"lm_head\.weight", "output.weight"), (r"model\.layers\.(\d+)\.input_layernorm", r"layers.\1.attention_norm"),
    (r"model\.layers\.(\d+)\.post_attention_layernorm", r"layers.\1.ffn_norm"),
    (r"model\.layers\.(\d+)\.self_attn\.([qkvo])_proj", r"layers.\1.attention.w\2"),
    (r"model\.layers\.(\d+)\.mlp\.gate_proj", r"layers.\1.feed_forward.w1"),
    (r"model\.layers\.(\d+)\.mlp\.down_proj", r"layers.\1.feed_forward.w2"),
    (r"model\.layers\.(\d+)\.mlp\.up_proj", r"layers.\1.feed_forward.w3"),
]
OLMO_NAMES = [
    (r"model\.embed_tokens", "embeddings"), (r"model\.norm", "lm_head.norm"), (r"^lm_head\.weight", "lm_head.w_out.weight"),
    (r"model\.layers\.(\d+)\.post_attention_layernorm", r"blocks.\1.attention_norm"),
    (r"model\.layers\.(\d+)\.post_feedforward_layernorm", r"blocks.\1.feed_forward_norm"),
    (r"model\.layers\.(\d+)\.self_attn\.([qk])_norm", r"blocks.\1.attention.\2_norm"),
    (r"model\.layers\.(\d+)\.self_attn\.([qkv])_proj", r"blocks.\1.attention.w_\2"),
    (r"model\.layers\.(\d+)\.self_attn\.o_proj", r"blocks.\1.attention.w_out"),
    (r"model\.layers\.(\d+)\.mlp\.gate_proj", r"blocks.\1.feed_forward.w1"),
    (r"model\.layers\.(\d+)\.mlp\.down_proj", r"blocks.\1.feed_forward.w2"),
    (r"model\.layers\.(\d+)\.mlp\.up_proj", r"blocks.\1.feed_forward.w3"),
]


def renamed(name, table):
    for pattern, replacement in table:
        new, count = re.subn(pattern, replacement, name)
        if count:
            return new
    raise KeyError(name)


def meta_tensors(config, tensors):
    heads, kv_heads = config["num_attention_heads"], config.get("num_key_value_heads") or config["num_attention_heads"]
    made = {}
    for name, tensor in tensors.items():
        array = tensor.array
        if name.endswith("q_proj.weight"):
            array = to_pairs(array, heads)
        elif name.endswith("k_proj.weight"):
            array = to_pairs(array, kv_heads)
        made[renamed(name, META_NAMES)] = torch_zip.tensor(tensor.dtype, array)
    return made


# Along which axis ranks cut a tensor (meta-llama/llama-models, models/checkpoint.py); None: every rank has it whole.
def meta_axis(name, embeddings_axis):
    if "norm" in name or name == "rope.freqs":
        return None
    if name == "tok_embeddings.weight":
        return embeddings_axis
    return 1 if re.search(r"attention\.wo|feed_forward\.w2", name) else 0


def params_of(config):
    params = {"dim": config["hidden_size"], "n_layers": config["num_hidden_layers"], "n_heads": config["num_attention_heads"],
              "n_kv_heads": config.get("num_key_value_heads"), "vocab_size": -1, "multiple_of": 256,
              "norm_eps": config["rms_norm_eps"], "rope_theta": config.get("rope_theta", 10000.0)}
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3":
        params["use_scaled_rope"] = True
    return params


def copy_tokenizer(source, folder):
    for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model"):
        path = os.path.join(source, name)
        if os.path.exists(path):
            with open(path, "rb") as file, open(os.path.join(folder, name), "wb") as out:
                out.write(file.read())


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file)


def write_meta(source, folder, ranks=1, embeddings_axis=1, save=torch_zip.save, change=None, params=None):
    """`change(rank, tensors)` may spoil a rank's tensors; `save` makes the bytes of a file."""
    config, tensors = read(source)
    os.makedirs(folder, exist_ok=True)
    whole = meta_tensors(config, tensors)
    whole["rope.freqs"] = torch_zip.tensor("bfloat16", numpy.zeros(4))
    for rank in range(ranks):
        pieces = {}
        for name, tensor in whole.items():
            axis = meta_axis(name, embeddings_axis)
            array = tensor.array if axis is None else numpy.split(tensor.array, ranks, axis)[rank]
            pieces[name] = torch_zip.tensor(tensor.dtype, array)
        if change:
            change(rank, pieces)
        with open(os.path.join(folder, f"consolidated.{rank:02}.pth"), "wb") as file:
            file.write(save(pieces))
    write_json(folder, "params.json", params or params_of(config))
    copy_tokenizer(source, folder)


def write_mistral(source, folder):
    config, tensors = read(source)
    os.makedirs(folder, exist_ok=True)
    names = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
    made = {name: safetensors_file.Tensor(names[tensor.dtype], tensor.array.shape, tensor.array.tobytes())
            for name, tensor in meta_tensors(config, tensors).items()}
    with open(os.path.join(folder, "consolidated.safetensors"), "wb") as file:
        file.write(safetensors_file.file_bytes(made))
    params = params_of(config)
    del params["multiple_of"]
    params.update(hidden_dim=config["intermediate_size"], vocab_size=config["vocab_size"],
                  head_dim=config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"],
                  sliding_window=config.get("sliding_window"))
    write_json(folder, "params.json", params)
    copy_tokenizer(source, folder)


def write_olmo1(source, folder):
    """AI2's first layout of OLMo 1: fused projections, config.json of its own."""
    config, tensors = read(source)
    os.makedirs(folder)
    made = {"model.transformer.wte.weight": tensors["model.embed_tokens.weight"]}
    if not config["tie_word_embeddings"]:
        made["model.transformer.ff_out.weight"] = tensors["lm_head.weight"]
    for i in range(config["num_hidden_layers"]):
        hf, native = f"model.layers.{i}.", f"model.transformer.blocks.{i}."

        def fused(*names):
            parts = [tensors[hf + name + ".weight"] for name in names]
            return torch_zip.tensor(parts[0].dtype, numpy.concatenate([part.array for part in parts]))

        made[native + "att_proj.weight"] = fused("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
        made[native + "attn_out.weight"] = fused("self_attn.o_proj")
        made[native + "ff_proj.weight"] = fused("mlp.up_proj", "mlp.gate_proj")
        made[native + "ff_out.weight"] = fused("mlp.down_proj")
    with open(os.path.join(folder, "pytorch_model.bin"), "wb") as file:
        file.write(torch_zip.save(made))
    write_json(folder, "config.json", {
        "architectures": ["OLMoForCausalLM"], "model_type": "hf_olmo", "d_model": config["hidden_size"], "n_heads": config["num_attention_heads"],
        "n_kv_heads": config.get("num_key_value_heads"), "n_layers": config["num_hidden_layers"], "mlp_hidden_size": 2 * config["intermediate_size"],
        "mlp_ratio": 4, "activation_type": "swiglu", "block_type": "sequential", "layer_norm_type": "default", "layer_norm_with_affine": False,
        "rope": True, "alibi": False, "include_bias": False, "clip_qkv": config.get("clip_qkv"), "weight_tying": config["tie_word_embeddings"],
        "max_sequence_length": config["max_position_embeddings"], "embedding_size": config["vocab_size"], "vocab_size": config["vocab_size"],
        "eos_token_id": 2, "pad_token_id": 1, "multi_query_attention": False})
    copy_tokenizer(source, folder)


def olmo_core_config(config, vocab_size, sequence_length=None, sliding_window=None, block_key="sequence_mixer"):
    norm = {"name": "rms", "eps": config["rms_norm_eps"], "bias": False, "dtype": "float32", "_CLASS_": "olmo_core.nn.layer_norm.LayerNormConfig"}
    attention = {"name": "default", "n_heads": config["num_attention_heads"], "n_kv_heads": config["num_key_value_heads"], "bias": False,
                 "rope": {"name": "default", "theta": int(config["rope_theta"]), "full_precision": True, "_CLASS_": "olmo_core.nn.rope.RoPEConfig"},
                 "qk_norm": norm, "backend": "flash_2", "dtype": "float32", "_CLASS_": "olmo_core.nn.attention.AttentionConfig", "type": "attention"}
    if sliding_window:
        attention["sliding_window"] = sliding_window
    return {
        "run_name": "toy",
        "model": {"d_model": config["hidden_size"], "vocab_size": vocab_size, "n_layers": config["num_hidden_layers"], "name": "default",
                  "block": {block_key: attention, "layer_norm": norm, "name": "reordered_norm",
                            "feed_forward": {"hidden_size": config["intermediate_size"], "name": "default", "bias": False, "dtype": "float32"}},
                  "lm_head": {"name": "default", "layer_norm": norm, "bias": False, "dtype": "float32"},
                  "dtype": "float32", "init_method": "normal", "init_seed": 0, "init_std": 0.02,
                  "_CLASS_": "olmo_core.nn.transformer.config.TransformerConfig"},
        "dataset": {"tokenizer": {"vocab_size": config["vocab_size"], "identifier": "allenai/licence-lm-tokenizer",
                                  **{key: config[key] for key in ("eos_token_id", "pad_token_id", "bos_token_id") if key in config}},
                    "sequence_length": sequence_length or config["max_position_embeddings"], "paths": ["a.npy", "b.npy"]},
        "train_module": {"optim": {"lr": 0.001}},
        "data_loader": {"seed": 1},
    }


def write_olmo_core(source, folder, ranks=4, vocab_rows=None, edit_config=None, **options):
    """The directory of a step: config.json, model_and_optim/, train/. Rows of the embeddings beyond the vocabulary are 7."""
    config, tensors = read(source)
    made = {}
    for name, tensor in tensors.items():
        array = tensor.array
        if vocab_rows and ("embed_tokens" in name or "lm_head" in name):
            extra = numpy.full((vocab_rows - array.shape[0], array.shape[1]), 7, array.dtype)
            array = numpy.concatenate([array, extra])
        tensor = torch_zip.tensor(tensor.dtype, array)
        made["model." + renamed(name, OLMO_NAMES)] = dcp_checkpoint.Sharded(tensor, dcp_checkpoint.rows(array.shape, ranks))
        made["optim.state." + renamed(name, OLMO_NAMES) + ".exp_avg"] = dcp_checkpoint.Sharded(
            torch_zip.tensor("float32", numpy.zeros(array.shape)), dcp_checkpoint.rows(array.shape, ranks))
    dcp_checkpoint.write(os.path.join(folder, "model_and_optim"), made, ranks=ranks, style="olmo_core")
    os.makedirs(os.path.join(folder, "train"))
    with open(os.path.join(folder, "train", "rank0.pt"), "wb") as file:
        file.write(torch_zip.save({"global_step": 7}))
    made_config = olmo_core_config(config, vocab_rows or config["vocab_size"], **options)
    if edit_config:
        edit_config(made_config)
    write_json(folder, "config.json", made_config)
    write_json(folder, ".metadata.json", {"version": "v2"})
