"""What the formulas of model families make of a small checkpoint in the Hugging Face layout: probabilities of the next token, in
numpy and binary64. They follow the families' published modelling code, know nothing of GGUF, and keep no cache."""
import dataclasses
import json
import os
import typing

import numpy as np
import safetensors_file


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def root_mean_square_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def layer_norm(x, weight, bias, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    normed = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + epsilon) * weight
    return normed if bias is None else normed + bias


def heads_of(x, count):
    """[positions, count * size] as [count, positions, size]."""
    return x.reshape(x.shape[0], count, -1).transpose(1, 0, 2)


def rotate(x, frequencies, are_neighbours):
    """RoPE of [heads, positions, size]: pairs are neighbours, or element j and j + half. What has no frequency stays."""
    size = 2 * len(frequencies)
    angles = np.arange(x.shape[1])[:, None] * frequencies[None, :]
    cosine, sine, turned, rest = np.cos(angles), np.sin(angles), x[..., :size], x[..., size:]
    if are_neighbours:
        first, second = turned[..., 0::2], turned[..., 1::2]
    else:
        first, second = turned[..., :size // 2], turned[..., size // 2:]
    pair = first * cosine - second * sine, second * cosine + first * sine
    result = np.stack(pair, -1).reshape(turned.shape) if are_neighbours else np.concatenate(pair, -1)
    return np.concatenate([result, rest], -1)


def attend(queries, keys, values, scale, bias=0.0):
    """Causal attention of [heads, positions, size]; several query heads may share a key head. [positions, heads * size]."""
    shared = queries.shape[0] // keys.shape[0]
    keys, values = np.repeat(keys, shared, 0), np.repeat(values, shared, 0)
    scores = np.einsum("hqd,hkd->hqk", queries, keys) * scale + bias
    scores = np.where(np.tril(np.ones(scores.shape[1:], bool)), scores, -np.inf)
    mixed = np.einsum("hqk,hkd->hqd", softmax(scores), values)
    return mixed.transpose(1, 0, 2).reshape(mixed.shape[1], -1)


def alibi(heads, positions, greatest=8):
    """What a key's position adds to the scores; heads are a power of two."""
    slopes = 2.0 ** (-greatest * np.arange(1, heads + 1) / heads)
    return slopes[:, None, None] * np.arange(positions)[None, None, :]


def rope_frequencies(size, config):
    """One for each pair of `size` rotated elements, with the scaling that the configuration asks for."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = config.get("rope_theta") or scaling.get("rope_theta", 10000.0)
    plain, kind = theta ** -(np.arange(0, size, 2) / size), scaling.get("rope_type")
    if kind == "llama3":
        turns = scaling["original_max_position_embeddings"] * plain / (2 * np.pi)
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        kept = np.clip((turns - low) / (high - low), 0, 1)
    elif kind == "yarn":
        def pair_of(turns):
            return size * np.log(scaling["original_max_position_embeddings"] / (turns * 2 * np.pi)) / (2 * np.log(theta))
        first, last = max(np.floor(pair_of(scaling["beta_fast"])), 0), min(np.ceil(pair_of(scaling["beta_slow"])), size - 1)
        kept = 1 - np.clip((np.arange(size // 2) - first) / (last - first), 0, 1)
    else:
        return plain
    return plain * kept + plain / scaling["factor"] * (1 - kept)


@dataclasses.dataclass
class Router:
    """How a token's experts are chosen and weighed."""
    used: int
    weigh: typing.Callable = softmax
    divides_by_sum: bool = True
    bias: str = ""                # added for the choice alone
    scale: float = 1.0
    groups: tuple = (1, 1)        # so many, of which so many are taken by their best two

    def choice(self, weights, bias):
        ranks = weights + bias
        groups, taken = self.groups
        if groups > 1:
            parts = ranks.reshape(groups, -1)
            best = np.argsort(-np.sort(parts, -1)[:, -2:].sum(-1))[:taken]
            parts = np.where(np.isin(np.arange(groups), best)[:, None], parts, -np.inf)
            ranks = parts.reshape(-1)
        return np.argsort(-ranks, kind="stable")[:self.used]


@dataclasses.dataclass
class Layout:
    """Where a decoder differs from Llama's. Functions take the layer's number or the start of its tensors' names first."""
    embedding: str = "model.embed_tokens"
    final_norm: str = "model.norm"
    norms: tuple = ("input_layernorm", "post_attention_layernorm")
    attention: str = "self_attn."
    output: str = "o_proj"
    is_layer_norm: bool = False
    is_parallel: bool = False     # attention and feed-forward read the same norm
    is_normed_behind: bool = False
    are_neighbours: bool = False
    rotates: typing.Callable = lambda layer: True
    rotated_share: float = 1.0
    embedding_scale: float = 1.0
    residual_scale: float = 1.0
    attention_scale: float = 0.0  # 0: by the size of a head
    logit_scale: float = 1.0
    feed_forward: typing.Callable = None
    project: typing.Callable = None
    norm_heads: typing.Callable = None
    mixer: typing.Callable = lambda layer: None


class Model:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        self.family = config["architectures"][0]
        self.config = config.get("text_config", config)
        self.weights = {name.replace("language_model.", ""): np.frombuffer(bytes(tensor.data), "<f4").astype(np.float64)
                        .reshape(tensor.shape) for name, tensor in safetensors_file.read_checkpoint(folder).items()
                        if tensor.dtype == "F32"}

    def probabilities(self, tokens):
        """Of what follows the last of these tokens."""
        return softmax(FAMILIES[self.family](self, self.config, np.array(tokens))[-1])

    def linear(self, name, x):
        product = x @ self.weights[name + ".weight"].T
        return product + self.weights[name + ".bias"] if name + ".bias" in self.weights else product

    def norm(self, name, x, is_layer_norm=False):
        keys = ("rms_norm_eps", "norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon")
        epsilon = next((self.config[key] for key in keys if key in self.config), 1e-5)
        if is_layer_norm:
            return layer_norm(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"), epsilon)
        return root_mean_square_norm(x, self.weights[name + ".weight"], epsilon)

    def gated(self, start, x, names=("gate_proj", "up_proj", "down_proj")):
        gate, up, down = names
        return self.linear(start + down, silu(self.linear(start + gate, x)) * self.linear(start + up, x))

    def experts(self, start, x, router, expert, gate="gate"):
        """`expert(number, x)` is what one of them makes of x."""
        weights = router.weigh(x @ self.weights[f"{start}{gate}.weight"].T)
        bias = self.weights[start + router.bias].reshape(-1) if router.bias else 0.0
        result = np.zeros_like(x)
        for position in range(x.shape[0]):
            chosen = router.choice(weights[position], bias)
            shares = weights[position][chosen] / (weights[position][chosen].sum() if router.divides_by_sum else 1.0)
            for number, share in zip(chosen, shares):
                result[position] += router.scale * share * expert(number, x[position:position + 1])[0]
        return result

    def projected(self, start, x):
        heads = self.config["num_attention_heads"]
        shared = self.config.get("num_key_value_heads", heads)
        return [heads_of(self.linear(start + name, x), count)
                for name, count in (("q_proj", heads), ("k_proj", shared), ("v_proj", shared))]

    def attended(self, layout, layer, start, x):
        queries, keys, values = (layout.project or self.projected)(start, x)
        if layout.norm_heads:
            queries, keys = layout.norm_heads(start, queries, keys)
        size = queries.shape[-1]
        if layout.rotates(layer):
            frequencies = rope_frequencies(int(size * layout.rotated_share), self.config)
            queries, keys = (rotate(x, frequencies, layout.are_neighbours) for x in (queries, keys))
        return self.linear(start + layout.output, attend(queries, keys, values, layout.attention_scale or size ** -0.5))

    def decode(self, tokens, layout):
        """Logits at each position."""
        x = self.weights[layout.embedding + ".weight"][tokens] * layout.embedding_scale
        for layer in range(self.config["num_hidden_layers"]):
            x = self.decode_layer(layout, layer, f"model.layers.{layer}.", x)
        x = self.norm(layout.final_norm, x, layout.is_layer_norm)
        head = "lm_head" if "lm_head.weight" in self.weights else layout.embedding
        return self.linear(head, x) * layout.logit_scale

    def decode_layer(self, layout, layer, start, x):
        feed_forward = layout.feed_forward or (lambda layer, start, x: self.gated(start + "mlp.", x))
        if layout.is_normed_behind:
            x = x + self.norm(start + "post_attention_layernorm", self.attended(layout, layer, start + layout.attention, x))
            return x + self.norm(start + "post_feedforward_layernorm", feed_forward(layer, start, x))
        normed = self.norm(start + layout.norms[0], x, layout.is_layer_norm)
        mixer = layout.mixer(layer)
        mixed = mixer(start, normed) if mixer else self.attended(layout, layer, start + layout.attention, normed)
        if layout.is_parallel:
            return x + mixed + feed_forward(layer, start, normed)
        x = x + mixed * layout.residual_scale
        normed = self.norm(start + layout.norms[1], x, layout.is_layer_norm)
        return x + feed_forward(layer, start, normed) * layout.residual_scale

    def head_norms(self, query="q_norm", key="k_norm"):
        return lambda start, queries, keys: (self.norm(start + query, queries), self.norm(start + key, keys))

    def mixture(self, router, dense=0, place="mlp.", names=("gate_proj", "up_proj", "down_proj"), shared="shared_experts."):
        """Feed-forward of experts, dense in the first layers, with shared experts where the family has them."""
        def feed_forward(layer, start, x):
            start += place
            if layer < dense:
                return self.gated(start, x, names)
            chosen = self.experts(start, x, router, lambda number, x: self.gated(f"{start}experts.{number}.", x, names))
            return chosen + (self.gated(start + shared, x, names) if shared else 0.0)
        return feed_forward


def llama(model, config, tokens):
    return model.decode(tokens, Layout())


def neighbours(model, config, tokens):
    return model.decode(tokens, Layout(are_neighbours=True))


def granite_layout(config):
    return Layout(embedding_scale=config["embedding_multiplier"], residual_scale=config["residual_multiplier"],
                  attention_scale=config["attention_multiplier"], logit_scale=1 / config["logits_scaling"])


def granite(model, config, tokens):
    return model.decode(tokens, granite_layout(config))


def granite_moe(model, config, tokens):
    def feed_forward(layer, start, x):
        start += "block_sparse_moe."

        def expert(number, x):
            gate, up = np.split(x @ model.weights[start + "input_linear.weight"][number].T, 2, -1)
            return (silu(gate) * up) @ model.weights[start + "output_linear.weight"][number].T
        return model.experts(start, x, Router(config["num_experts_per_tok"]), expert, "router.layer")
    layout = granite_layout(config)
    layout.feed_forward = feed_forward
    return model.decode(tokens, layout)


def cohere(model, config, tokens):
    def norm_heads(start, queries, keys):
        return [layer_norm(x, model.weights[f"{start}{name}.weight"][:, None, :], None, config["layer_norm_eps"])
                for name, x in (("q_norm", queries), ("k_norm", keys))]
    slides = config.get("sliding_window_pattern")
    return model.decode(tokens, Layout(is_layer_norm=True, is_parallel=True, are_neighbours=True, logit_scale=config["logit_scale"],
                                       norm_heads=norm_heads if config.get("use_qk_norm") else None,
                                       rotates=lambda layer: not slides or (layer + 1) % slides != 0))


def two_matrices(model, first, second):
    return lambda layer, start, x: model.linear(f"{start}mlp.{second}", gelu(model.linear(f"{start}mlp.{first}", x)))


def starcoder2(model, config, tokens):
    return model.decode(tokens, Layout(is_layer_norm=True, feed_forward=two_matrices(model, "c_fc", "c_proj")))


def phi(model, config, tokens):
    return model.decode(tokens, Layout(is_layer_norm=True, is_parallel=True, output="dense", final_norm="model.final_layernorm",
                                       rotated_share=config["partial_rotary_factor"],
                                       feed_forward=two_matrices(model, "fc1", "fc2")))


def orion(model, config, tokens):
    return model.decode(tokens, Layout(is_layer_norm=True))


def ernie_moe(model, config, tokens):
    router = Router(config["moe_k"], bias="moe_statics.e_score_correction_bias")
    return model.decode(tokens, Layout(are_neighbours=True, feed_forward=model.mixture(router, config["moe_layer_start_index"])))


def dots1(model, config, tokens):
    router = Router(config["num_experts_per_tok"], sigmoid, bias="gate.e_score_correction_bias",
                    scale=config["routed_scaling_factor"])
    return model.decode(tokens, Layout(norm_heads=model.head_norms(),
                                       feed_forward=model.mixture(router, config["first_k_dense_replace"])))


def exaone4(model, config, tokens):
    kinds = config["layer_types"]
    return model.decode(tokens, Layout(is_normed_behind=True, norm_heads=model.head_norms(), rotates=lambda layer:
                                       config["sliding_window"] is None or kinds[layer] == "sliding_attention"))


def deepseek(model, config, tokens):
    router = Router(config["num_experts_per_tok"], divides_by_sum=False)
    return model.decode(tokens, Layout(feed_forward=model.mixture(router, config["first_k_dense_replace"])))


def bailing(model, config, tokens):
    heads, shared, size = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]

    def project(start, x):
        parts = np.split(model.linear(start + "query_key_value", x), [heads * size, (heads + shared) * size], -1)
        return [heads_of(part, count) for part, count in zip(parts, (heads, shared, shared))]
    is_second = config.get("use_qk_norm", False)
    router = Router(config["num_experts_per_tok"])
    if is_second:
        router = Router(config["num_experts_per_tok"], sigmoid, bias="gate.expert_bias", scale=config["routed_scaling_factor"],
                        groups=(config["n_group"], config["topk_group"]))
    return model.decode(tokens, Layout(embedding="model.word_embeddings", attention="attention.", output="dense", project=project,
                                       norm_heads=model.head_norms("query_layernorm", "key_layernorm") if is_second else None,
                                       rotated_share=config.get("partial_rotary_factor", 1.0),
                                       feed_forward=model.mixture(router, config["first_k_dense_replace"])))


def lfm2_moe(model, config, tokens):
    def convolve(start, x):
        before, after, x = np.split(model.linear(start + "conv.in_proj", x), 3, -1)
        kernel = model.weights[start + "conv.conv.weight"][:, 0, :]
        length = kernel.shape[1]
        padded = np.concatenate([np.zeros((length - 1, x.shape[1])), before * x])
        mixed = sum(padded[step:step + x.shape[0]] * kernel[:, step] for step in range(length))
        return model.linear(start + "conv.out_proj", after * mixed)
    router = Router(config["num_experts_per_tok"], sigmoid, bias="expert_bias")
    return model.decode(tokens, Layout(
        norms=("operator_norm", "ffn_norm"), final_norm="model.embedding_norm", output="out_proj",
        norm_heads=model.head_norms("q_layernorm", "k_layernorm"),
        mixer=lambda layer: convolve if config["layer_types"][layer] == "conv" else None,
        feed_forward=model.mixture(router, config["num_dense_layers"], "feed_forward.", ("w1", "w3", "w2"), "")))


def starcoder(model, config, tokens):
    width, heads = config["n_embd"], config["n_head"]
    size, embedding = width // heads, model.weights["transformer.wte.weight"]
    x = embedding[tokens] + model.weights["transformer.wpe.weight"][:len(tokens)]
    for layer in range(config["n_layer"]):
        start = f"transformer.h.{layer}."
        parts = np.split(model.linear(start + "attn.c_attn", model.norm(start + "ln_1", x, True)), [width, width + size], -1)
        queries, keys, values = (heads_of(part, count) for part, count in zip(parts, (heads, 1, 1)))
        x = x + model.linear(start + "attn.c_proj", attend(queries, keys, values, size ** -0.5))
        x = x + model.linear(start + "mlp.c_proj", gelu(model.linear(start + "mlp.c_fc", model.norm(start + "ln_2", x, True))))
    return model.norm("transformer.ln_f", x, True) @ embedding.T


def mpt(model, config, tokens):
    heads, options, embedding = config["n_heads"], config["attn_config"], model.weights["transformer.wte.weight"]
    x = embedding[tokens]
    for layer in range(config["n_layers"]):
        start = f"transformer.blocks.{layer}."
        fused = model.linear(start + "attn.Wqkv", model.norm(start + "norm_1", x, True))
        queries, keys, values = (heads_of(part, heads) for part in
                                 np.split(np.clip(fused, -options["clip_qkv"], options["clip_qkv"]), 3, -1))
        bias = alibi(heads, len(tokens), options["alibi_bias_max"])
        x = x + model.linear(start + "attn.out_proj", attend(queries, keys, values, queries.shape[-1] ** -0.5, bias))
        normed = model.norm(start + "norm_2", x, True)
        x = x + model.linear(start + "ffn.down_proj", gelu(model.linear(start + "ffn.up_proj", normed)))
    return model.norm("transformer.norm_f", x, True) @ embedding.T


def bloom(model, config, tokens):
    heads, embedding = config["n_head"], model.weights["word_embeddings.weight"]
    x = model.norm("word_embeddings_layernorm", embedding[tokens], True)
    for layer in range(config["n_layer"]):
        start = f"h.{layer}."
        fused = model.linear(start + "self_attention.query_key_value", model.norm(start + "input_layernorm", x, True))
        queries, keys, values = fused.reshape(len(tokens), heads, 3, -1).transpose(2, 1, 0, 3)
        mixed = attend(queries, keys, values, queries.shape[-1] ** -0.5, alibi(heads, len(tokens)))
        x = x + model.linear(start + "self_attention.dense", mixed)
        normed = model.norm(start + "post_attention_layernorm", x, True)
        x = x + model.linear(start + "mlp.dense_4h_to_h", gelu(model.linear(start + "mlp.dense_h_to_4h", normed)))
    return model.norm("ln_f", x, True) @ embedding.T


FAMILIES = {
    "BailingMoeForCausalLM": bailing, "BailingMoeV2ForCausalLM": bailing, "BloomForCausalLM": bloom, "Cohere2ForCausalLM": cohere,
    "CohereForCausalLM": cohere, "DeepseekForCausalLM": deepseek, "Dots1ForCausalLM": dots1, "Ernie4_5ForCausalLM": neighbours,
    "Ernie4_5_MoeForCausalLM": ernie_moe, "Exaone4ForCausalLM": exaone4, "GPTBigCodeForCausalLM": starcoder,
    "GraniteForCausalLM": granite, "GraniteMoeForCausalLM": granite_moe, "Lfm2MoeForCausalLM": lfm2_moe,
    "Mistral3ForConditionalGeneration": llama, "MPTForCausalLM": mpt, "OrionForCausalLM": orion, "PhiForCausalLM": phi,
    "Qwen2_5_VLForConditionalGeneration": llama, "SeedOssForCausalLM": llama, "Starcoder2ForCausalLM": starcoder2,
}
