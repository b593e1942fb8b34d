#include "engine/plan/choose.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <array>

namespace heirloom::plan {
namespace {

using encoding::Codec;
using encoding::find_codec;

// Parts of names whose tensors stay f32 (formats/facts/architectures.md#types).
constexpr std::array always_f32 = {
    std::string_view("ffn_gate_inp.weight"),        std::string_view("ffn_gate_inp_shexp.weight"),
    std::string_view("position_embd.weight"),       std::string_view("token_types.weight"),
    std::string_view("ssm_conv1d.weight"),          std::string_view("ssm_conv1d_q.weight"),
    std::string_view("ssm_conv1d_k.weight"),        std::string_view("ssm_conv1d_v.weight"),
    std::string_view("shortconv.conv.weight"),      std::string_view("altup_correct_coef.weight"),
    std::string_view("altup_predict_coef.weight"),  std::string_view("indexer.proj.weight"),
    std::string_view("time_mix_first.weight"),      std::string_view("time_mix_w1.weight"),
    std::string_view("time_mix_w2.weight"),         std::string_view("time_mix_decay_w1.weight"),
    std::string_view("time_mix_decay_w2.weight"),   std::string_view("time_mix_lerp_fused.weight"),
};

bool stays_f32(const std::string& name, const std::vector<std::uint64_t>& shape) {
  if (shape.size() <= 1 || name.ends_with("_norm.weight") || !name.ends_with(".weight"))
    return true;
  return std::any_of(always_f32.begin(), always_f32.end(), [&](std::string_view part) {
    return name == part || (name.ends_with(part) && name[name.size() - part.size() - 1] == '.');
  });
}

bool fits_rows(std::string_view encoding, const std::vector<std::uint64_t>& shape) {
  const Codec* codec = find_codec(encoding);
  return codec != nullptr && !shape.empty() && shape.back() % codec->block_elements == 0;
}

constexpr std::string_view from_override = "--tensor-type";

Error does_not_fit(const std::string& name, const std::vector<std::uint64_t>& shape, std::string_view encoding) {
  return {Code::misuse, "rows of " + std::to_string(shape.back()) + " do not fit the blocks of " + base::quoted(encoding),
          no_position, "", name};
}

Error cannot_convert(const std::string& name, std::string_view from, std::string_view to) {
  return {Code::unsupported, "encoding " + base::quoted(from) + " cannot be converted to " + base::quoted(to), no_position,
          "", name};
}

bool is_block(const Codec* codec) { return codec != nullptr && codec->kind == encoding::Kind::block; }

// Narrowest first.
constexpr std::array lossless_candidates = {
    std::string_view("i8"), std::string_view("i16"), std::string_view("f16"), std::string_view("bf16"),
    std::string_view("i32"), std::string_view("f32"), std::string_view("i64"), std::string_view("f64"),
};

Result<Choice> lossless_for(const Tensor& tensor, const Format& target) {
  const Codec* source = find_codec(tensor.encoding);
  for (const std::string_view candidate : lossless_candidates) {
    const Codec* codec = find_codec(candidate);
    if (source == nullptr || codec == nullptr || !is_stored_by(target, candidate) ||
        !encoding::convertible(*source, *codec))
      continue;
    if (encoding::holds_all_values(candidate, tensor.encoding) || (is_block(source) && candidate == "f32"))
      return Choice{std::string(candidate), target.id + " does not store " + tensor.encoding + "; " + std::string(candidate) +
                                                " holds every value"};
  }
  return fail(Error{Code::unsupported, target.id + " does not store encoding " + base::quoted(tensor.encoding) +
                                           ", and no encoding that it stores holds every value; name one with --quantize",
                    no_position, "", tensor.name});
}

}  // namespace

Result<void> check_convertible(const std::string& name, std::string_view from, std::string_view to) {
  if (from == to)
    return {};
  const Codec* source = find_codec(from);
  const Codec* target = find_codec(to);
  if (source == nullptr || target == nullptr || !encoding::convertible(*source, *target))
    return fail(cannot_convert(name, from, to));
  return {};
}

Error quantized_already(const std::string& name, std::string_view from, std::string_view to) {
  return {Code::misuse, "is quantized already, as " + std::string(from) + ", and would become " + std::string(to) +
                            "; --allow-requantize converts all the same, and loses more than from the original",
          no_position, "", name};
}

bool is_stored_by(const Format& format, std::string_view encoding) {
  return format.encodings.empty() ||
         std::find(format.encodings.begin(), format.encodings.end(), encoding) != format.encodings.end();
}

Result<Choice> choose_for_gguf(const std::string& name, const std::vector<std::uint64_t>& shape, std::string_view source,
                               const Recipe& recipe) {
  Choice choice{recipe.encoding};
  if (const std::string* wanted = recipe.override_for(name)) {
    choice = {*wanted, std::string(from_override)};
  } else if (is_block(find_codec(source))) {
    choice = {std::string(source), "blocks stay as they are"};
  } else if (stays_f32(name, shape)) {
    choice = {"f32"};
  } else if (choice.encoding.empty()) {
    const bool is_kept = source == "f16" || source == "bf16" || source == "f32";
    choice = is_kept ? Choice{std::string(source)} : Choice{"f32", "source is " + std::string(source)};
  }
  if (!fits_rows(choice.encoding, shape) && !shape.empty() && choice.note == from_override)
    return fail(does_not_fit(name, shape, choice.encoding));
  if (!fits_rows(choice.encoding, shape) && !shape.empty())
    choice = {"f16", "rows of " + std::to_string(shape.back()) + " do not fit the blocks of " + choice.encoding};
  HEIRLOOM_CHECK(check_convertible(name, source, choice.encoding));
  return choice;
}

Result<Choice> choose_as_is(const Tensor& tensor, const Format& target, const Recipe& recipe) {
  const Codec* source = find_codec(tensor.encoding);
  Choice choice{tensor.encoding};
  if (const std::string* wanted = recipe.override_for(tensor.name)) {
    choice = {*wanted, std::string(from_override)};
  } else if (!recipe.encoding.empty() && tensor.shape.size() >= 2 && source != nullptr &&
             source->kind != encoding::Kind::integer) {
    choice = {recipe.encoding};
    if (!fits_rows(recipe.encoding, tensor.shape))
      choice = {tensor.encoding, "rows of " + std::to_string(tensor.shape.back()) + " do not fit the blocks of " + recipe.encoding};
  }
  if (choice.encoding == tensor.encoding && !is_stored_by(target, choice.encoding))
    return lossless_for(tensor, target);
  if (!is_stored_by(target, choice.encoding))
    return fail(Error{Code::misuse, target.id + " does not store encoding " + base::quoted(choice.encoding), no_position,
                      "", tensor.name});
  if (!fits_rows(choice.encoding, tensor.shape) && choice.encoding != tensor.encoding && !tensor.shape.empty())
    return fail(does_not_fit(tensor.name, tensor.shape, choice.encoding));
  if (is_block(source) && is_block(find_codec(choice.encoding)) && choice.encoding != tensor.encoding && !recipe.allows_requantize)
    return fail(quantized_already(tensor.name, tensor.encoding, choice.encoding));
  HEIRLOOM_CHECK(check_convertible(tensor.name, tensor.encoding, choice.encoding));
  return choice;
}

}  // namespace heirloom::plan
