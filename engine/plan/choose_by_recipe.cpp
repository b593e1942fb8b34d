#include "engine/plan/choose_by_recipe.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace heirloom::plan {
namespace {

using encoding::Codec;
using encoding::find_codec;

// Parts of names whose tensors are never quantized (formats/facts/recipes.md#left-alone).
constexpr std::array left_alone = {
    std::string_view("_norm.weight"),
    std::string_view("ffn_gate_inp.weight"),
    std::string_view("ffn_gate_tid2eid.weight"),
    std::string_view("altup"),
    std::string_view("laurel"),
    std::string_view("per_layer_model_proj"),
    std::string_view("ssm_conv1d"),
    std::string_view("shortconv.conv.weight"),
    std::string_view("indexer.k_proj.weight"),
    std::string_view("indexer.q_proj.weight"),
    std::string_view("time_mix_first.weight"),
    std::string_view("time_mix_w0.weight"),
    std::string_view("time_mix_w1.weight"),
    std::string_view("time_mix_w2.weight"),
    std::string_view("time_mix_v0.weight"),
    std::string_view("time_mix_v1.weight"),
    std::string_view("time_mix_v2.weight"),
    std::string_view("time_mix_a0.weight"),
    std::string_view("time_mix_a1.weight"),
    std::string_view("time_mix_a2.weight"),
    std::string_view("time_mix_g1.weight"),
    std::string_view("time_mix_g2.weight"),
    std::string_view("time_mix_decay_w1.weight"),
    std::string_view("time_mix_decay_w2.weight"),
    std::string_view("time_mix_lerp_fused.weight"),
    std::string_view("attn_rel_b.weight"),
    std::string_view(".position_embd"),
    std::string_view("sam.pos_embd"),
    std::string_view("sam.neck."),
    std::string_view("sam.net_"),
    std::string_view(".rel_pos"),
    std::string_view(".patch_embd"),
    std::string_view(".patch_merger"),
    std::string_view("a.rvq.codebook"),
    std::string_view("mm.a.code_embd"),
};

struct KindPart {
  std::string_view part;
  TensorKind kind;
};
// The first part that a name contains decides.
constexpr KindPart kind_parts[] = {
    {"attn_qkv.weight", TensorKind::attn_v}, {"attn_kv_b.weight", TensorKind::attn_v},
    {"attn_v.weight", TensorKind::attn_v},   {"attn_k.weight", TensorKind::attn_k},
    {"attn_q.weight", TensorKind::attn_q},   {"attn_output.weight", TensorKind::attn_output},
    {"ffn_up", TensorKind::ffn_up},          {"ffn_gate", TensorKind::ffn_gate},
    {"ffn_down", TensorKind::ffn_down},
};

// Where rows do not fit the blocks of the first (formats/facts/recipes.md#fallbacks); f16 where they do not fit the
// second either. What is not here is refused.
struct Fallback {
  std::string_view encoding, instead;
};
constexpr Fallback fallbacks[] = {
    {"iq1_s", "iq4_nl"},   {"iq1_m", "iq4_nl"}, {"iq2_xxs", "iq4_nl"}, {"iq2_xs", "iq4_nl"}, {"iq2_s", "iq4_nl"},
    {"iq3_xxs", "iq4_nl"}, {"iq3_s", "iq4_nl"}, {"iq4_xs", "iq4_nl"},  {"q2_0", "q4_0"},     {"q2_k", "q4_0"},
    {"q3_k", "q4_0"},      {"tq1_0", "q4_0"},   {"tq2_0", "q4_0"},     {"q4_k", "q5_0"},     {"q5_k", "q5_1"},
    {"q6_k", "q8_0"},      {"q4_0", "f16"},     {"q4_1", "f16"},       {"q5_0", "f16"},      {"q5_1", "f16"},
    {"q8_0", "f16"},       {"iq4_nl", "f16"},   {"mxfp4", "f16"},
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_token_embd(std::string_view name) { return name == "token_embd.weight" || name == "per_layer_token_embd.weight"; }

bool fits(std::string_view encoding, const std::vector<std::uint64_t>& shape) {
  const Codec* codec = find_codec(encoding);
  return codec != nullptr && !shape.empty() && shape.back() % codec->block_elements == 0;
}

bool is_block(std::string_view encoding) {
  const Codec* codec = find_codec(encoding);
  return codec == nullptr || codec->kind == encoding::Kind::block;
}

// The number of "blk.N.", or -1.
std::int64_t block_number(std::string_view name) {
  constexpr std::string_view prefix = "blk.";
  std::int64_t number = -1;
  if (!name.starts_with(prefix))
    return -1;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
  return error == std::errc() ? number : -1;
}

// Several matrices in one tensor: GGUF's third dimension.
bool is_stacked(const std::vector<std::uint64_t>& shape) { return shape.size() >= 3 && shape[shape.size() - 3] > 1; }

class Chooser {
 public:
  Chooser(std::span<const RecipeTensor> tensors, const ModelFacts& facts, const Recipe& recipe, bool has_importance)
      : facts_(&facts), recipe_(&recipe), has_importance_(has_importance) {
    for (const RecipeTensor& tensor : tensors) {
      is_tied_ = is_tied_ && tensor.name != "output.weight";
      if (kind_of(tensor.name, false) == TensorKind::attn_v)
        ++attn_v_.n;
    }
    ffn_up_.n = ffn_gate_.n = ffn_down_.n = facts.blocks;
  }

  // Called in llama-quantize's order.
  Result<Choice> choose(const RecipeTensor& tensor) {
    const bool is_left = recipe_->leaves_output && tensor.name == "output.weight";
    const bool is_copy = recipe_->encoding.empty() && recipe_->data->rules.empty();
    if (is_copy || is_left || !is_quantizable(tensor.name, tensor.shape))
      return Choice{tensor.encoding};
    HEIRLOOM_TRY(Choice choice, choose_quantizable(tensor));
    if (choice.encoding != tensor.encoding && is_block(tensor.encoding) && !recipe_->allows_requantize)
      return fail(quantized_already(tensor.name, tensor.encoding, choice.encoding));
    return choice;
  }

 private:
  struct Counter {
    std::uint64_t i = 0, n = 0;
  };

  Result<Choice> choose_quantizable(const RecipeTensor& tensor) {
    if (!recipe_->token_embd_encoding.empty() && is_token_embd(tensor.name))
      return asked_for(tensor, recipe_->token_embd_encoding, "--token-embedding-type");
    if (!recipe_->output_encoding.empty() && tensor.name == "output.weight")
      return asked_for(tensor, recipe_->output_encoding, "--output-tensor-type");
    const TensorKind kind = kind_of(tensor.name, is_tied_);
    Choice choice{plain(tensor)};
    if (const std::string* wanted = recipe_->override_for(tensor.name)) {
      choice = {*wanted, "--tensor-type"};
    } else if (!recipe_->is_pure) {
      if (kind == TensorKind::output && !recipe_->output_encoding.empty())
        choice = {recipe_->output_encoding, "--output-tensor-type, the token embeddings are the output"};
      else
        choice = by_rules(tensor, kind);
      if (Counter* counter = counter_of(kind))
        ++counter->i;
    }
    return with_fallback(tensor, std::move(choice));
  }

  static Result<Choice> asked_for(const RecipeTensor& tensor, const std::string& encoding, std::string option) {
    if (!fits(encoding, tensor.shape))
      return fail(Error{Code::misuse, "rows of " + std::to_string(tensor.shape.back()) + " do not fit the blocks of " +
                                          base::quoted(encoding) + ", asked for by " + option, no_position, "", tensor.name});
    return Choice{encoding, std::move(option)};
  }

  Choice by_rules(const RecipeTensor& tensor, TensorKind kind) {
    for (const RecipeRule& rule : recipe_->data->rules) {
      if (!holds(rule, tensor, kind))
        continue;
      if (rule.encoding.empty() || rule.encoding == plain(tensor))
        return {plain(tensor)};
      return {rule.encoding, recipe_->data->name + ": " + describe(rule)};
    }
    return {plain(tensor)};
  }

  // Without a rule.
  const std::string& plain(const RecipeTensor& tensor) const {
    return recipe_->encoding.empty() ? tensor.encoding : recipe_->encoding;
  }

  bool holds(const RecipeRule& rule, const RecipeTensor& tensor, TensorKind kind) {
    const auto is_in = [](const auto& list, const auto& item) {
      return list.empty() || std::find(list.begin(), list.end(), item) != list.end();
    };
    return is_in(rule.tensors, kind) && is_in(rule.architectures, facts_->architecture) &&
           (!rule.name || rule.name->matches(tensor.name)) && (!rule.places || is_at(*rule.places, tensor, kind)) &&
           (rule.size.empty() || facts_->is_70b) && facts_->heads_per_kv >= rule.heads_per_kv.value_or(0) &&
           facts_->experts == rule.experts.value_or(facts_->experts) && facts_->experts >= rule.min_experts.value_or(0) &&
           rule.has_importance.value_or(has_importance_) == has_importance_ &&
           (!rule.fits || *rule.fits == fits(plain(tensor), tensor.shape)) &&
           (!rule.is_stacked || *rule.is_stacked == is_stacked(tensor.shape));
  }

  bool is_at(const Places& places, const RecipeTensor& tensor, TensorKind kind) {
    const std::int64_t number = block_number(tensor.name);
    const Counter* counter = counter_of(kind);
    if (counter == nullptr)
      return number >= 0 && places.hold(static_cast<std::uint64_t>(number), facts_->blocks);
    // Experts' tensors may be several to a layer.
    if (kind != TensorKind::attn_v && facts_->experts > 1 && !places.is_by_count && number >= 0)
      return places.hold(static_cast<std::uint64_t>(number), counter->n);
    return places.hold(counter->i, counter->n);
  }

  Counter* counter_of(TensorKind kind) {
    switch (kind) {
      case TensorKind::attn_v: return &attn_v_;
      case TensorKind::ffn_up: return &ffn_up_;
      case TensorKind::ffn_gate: return &ffn_gate_;
      case TensorKind::ffn_down: return &ffn_down_;
      default: return nullptr;
    }
  }

  static Result<Choice> with_fallback(const RecipeTensor& tensor, Choice choice) {
    if (fits(choice.encoding, tensor.shape))
      return choice;
    const std::string rows = "rows of " + std::to_string(tensor.shape.back());
    const auto row = std::find_if(std::begin(fallbacks), std::end(fallbacks),
                                  [&](const Fallback& fallback) { return fallback.encoding == choice.encoding; });
    if (row == std::end(fallbacks))
      return fail(Error{Code::misuse, rows + " do not fit the blocks of " + choice.encoding +
                                          ", which has no other encoding to stand in; name one with --tensor-type "
                                          "REGEX=ENCODING, as f16", no_position, "", tensor.name});
    const std::string instead(fits(row->instead, tensor.shape) ? row->instead : "f16");
    return Choice{instead, rows + " do not fit " + choice.encoding + ", " + instead + " instead", true};
  }

  const ModelFacts* facts_;
  const Recipe* recipe_;
  bool has_importance_;
  bool is_tied_ = true;
  Counter attn_v_, ffn_up_, ffn_gate_, ffn_down_;
};

}  // namespace

bool Places::hold(std::uint64_t i, std::uint64_t n) const {
  const std::uint64_t begin = first_part != 0 ? n / first_part : first;
  const bool is_in = i < first || (last != 0 && i + last >= n) || (first_part != 0 && i < n / first_part) ||
                     (last_part != 0 && i >= (last_part - 1) * n / last_part) ||
                     (every != 0 && i >= begin && (i - begin) % every == every - 1);
  return is_in != is_except;
}

TensorKind kind_of(std::string_view name, bool is_tied) {
  if (name == "output.weight")
    return TensorKind::output;
  if (is_token_embd(name))
    return is_tied ? TensorKind::output : TensorKind::token_embd;
  for (const KindPart& row : kind_parts)
    if (contains(name, row.part))
      return row.kind;
  return TensorKind::other;
}

bool is_quantizable(std::string_view name, std::span<const std::uint64_t> shape) {
  // Leading dimensions of 1 do not count.
  const auto rows = shape.empty() ? shape : shape.first(shape.size() - 1);
  if (std::all_of(rows.begin(), rows.end(), [](std::uint64_t n) { return n == 1; }))
    return false;
  if (!name.ends_with("weight") || name == "position_embd.weight" || name == "token_types.weight")
    return false;
  return std::none_of(left_alone.begin(), left_alone.end(), [&](std::string_view part) { return contains(name, part); });
}

std::vector<std::size_t> quantize_order(std::span<const RecipeTensor> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(block_number(tensors[a].name), std::string_view(tensors[a].name)) <
           std::pair(block_number(tensors[b].name), std::string_view(tensors[b].name));
  });
  return order;
}

Result<std::vector<Choice>> choose_by_recipe(std::span<const RecipeTensor> tensors, const ModelFacts& facts,
                                             const Recipe& recipe, bool has_importance) {
  std::vector<Choice> choices(tensors.size());
  Chooser chooser(tensors, facts, recipe, has_importance);
  for (const std::size_t i : quantize_order(tensors)) {
    HEIRLOOM_TRY(choices[i], chooser.choose(tensors[i]));
  }
  return choices;
}

}  // namespace heirloom::plan
