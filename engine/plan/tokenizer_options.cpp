#include "engine/plan/tokenizer_options.hpp"

#include "engine/arch/config.hpp"

#include <optional>

namespace heirloom::plan {

Result<tokenizer::ToGguf> tokenizer_options(const arch::Map& map, const model::Json& config) {
  tokenizer::ToGguf options;
  options.kinds = map.tokenizers;
  options.writes_space_prefix = map.writes_space_prefix;
  options.user_defined_tokens = map.user_defined_tokens;
  for (const auto& token : map.special_tokens) {
    const auto id = token->id < 0 ? std::nullopt : std::optional<std::uint64_t>(token->id);
    options.special_tokens.push_back({token->role, token->text, id, token->is_added});
  }
  if (config.at("vocab_size") != nullptr) {
    HEIRLOOM_TRY(options.vocab_size, arch::vocab_size(map, config));
  }
  return options;
}

}  // namespace heirloom::plan
