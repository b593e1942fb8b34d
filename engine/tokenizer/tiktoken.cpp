#include "engine/tokenizer/base64.hpp"
#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/hugging_face.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

// Longer tokens would cost the square of their length.
constexpr std::size_t max_token_bytes = 1024;

struct Ranked {
  std::string bytes;
  std::uint64_t rank = 0;
};

using RankOf = std::unordered_map<std::string, std::uint64_t>;

Error in_line(std::size_t line, std::string message) {
  return Error{Code::malformed, "line " + std::to_string(line) + ": " + std::move(message), no_position,
               std::string(tiktoken_model_name)};
}

// "aGVsbG8= 123": the token's bytes in base64, and its rank, which is its id.
Result<Ranked> read_line(std::string_view text, std::size_t line) {
  const std::size_t space = text.find(' ');
  const auto bytes = decode_base64(text.substr(0, space));
  if (space == std::string_view::npos || !bytes || bytes->empty() || bytes->size() > max_token_bytes)
    return fail(in_line(line, "not a token of 1 to " + std::to_string(max_token_bytes) + " bytes in base64 and its rank"));
  Ranked ranked{{bytes->begin(), bytes->end()}};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + space + 1, last, ranked.rank);
  if (error != std::errc() || end != last || ranked.rank >= max_vocab_size)
    return fail(in_line(line, "the rank is not a number below " + std::to_string(max_vocab_size)));
  return ranked;
}

Result<std::vector<Ranked>> read_ranks(std::string_view text) {
  std::vector<Ranked> all;
  RankOf rank_of;
  std::unordered_map<std::uint64_t, std::size_t> line_of;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.ends_with('\r'))
      content.remove_suffix(1);
    if (content.empty())
      continue;
    HEIRLOOM_TRY(Ranked ranked, read_line(content, line));
    if (!line_of.emplace(ranked.rank, line).second)
      return fail(in_line(line, "rank " + std::to_string(ranked.rank) + " is that of line " +
                                    std::to_string(line_of.at(ranked.rank)) + " too"));
    if (!rank_of.emplace(ranked.bytes, ranked.rank).second)
      return fail(in_line(line, "an earlier line has the same token"));
    all.push_back(std::move(ranked));
  }
  if (all.empty())
    return fail(Error{Code::malformed, "no tokens", no_position, std::string(tiktoken_model_name)});
  return all;
}

// The two parts that the tokens of lower rank make of a token; nullopt when they do not make two.
std::optional<std::string> merge_of(const Ranked& token, const RankOf& rank_of) {
  std::vector<std::string> parts;
  for (const char c : token.bytes)
    parts.emplace_back(1, c);
  while (parts.size() > 2) {
    std::size_t best = parts.size();
    std::uint64_t best_rank = token.rank;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = rank_of.find(parts[i] + parts[i + 1]);
      if (found != rank_of.end() && found->second < best_rank) {
        best = i;
        best_rank = found->second;
      }
    }
    if (best == parts.size())
      return std::nullopt;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  if (parts.size() != 2)
    return std::nullopt;
  return encode_byte_level(parts[0]) + " " + encode_byte_level(parts[1]);
}

// Special tokens stand behind the others: those that tokenizer_config.json names, and reserved ones up to the number
// that it says.
void add_special_tokens(const Source& source, std::uint64_t vocab_size, std::vector<NumberedToken>& numbered) {
  constexpr std::uint64_t usual_count = 256;
  const Json* said = source.tokenizer_config.find("num_reserved_special_tokens");
  const auto number = said == nullptr ? std::nullopt : said->integer();
  const std::uint64_t count = number && *number >= 0 ? static_cast<std::uint64_t>(*number) : usual_count;
  const std::uint64_t first = own_size(numbered);
  std::uint64_t end = first + std::min(count, max_padding_tokens);
  if (vocab_size != 0)
    end = std::min(end, std::max(vocab_size, first));
  std::unordered_map<std::uint64_t, std::string_view> text_of;
  for (const AddedToken& added : source.added_tokens_decoder)
    text_of.emplace(added.id, added.text);
  for (std::uint64_t id = first; id < end; ++id) {
    const auto found = text_of.find(id);
    numbered.push_back({id, Token{found != text_of.end() ? std::string(found->second)
                                                         : "<|reserved_token_" + std::to_string(id) + "|>",
                                  0, TokenType::control}});
  }
}

}  // namespace

Result<Vocabulary> read_tiktoken(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                                 std::vector<std::string>& warnings) {
  HEIRLOOM_TRY(const std::vector<Ranked> all, read_ranks(*source.tiktoken_text));
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = options.pre_tokenizer.empty() ? "kimi-k2" : options.pre_tokenizer;
  RankOf rank_of;
  for (const Ranked& token : all)
    rank_of.emplace(token.bytes, token.rank);
  std::vector<NumberedToken> numbered;
  std::size_t unmade = 0;
  for (const Ranked& token : all) {
    numbered.push_back({token.rank, Token{encode_byte_level(token.bytes), 0, TokenType::normal}});
    if (token.bytes.size() == 1)
      continue;
    if (auto merge = merge_of(token, rank_of))
      vocabulary.merges.push_back(std::move(*merge));
    else
      ++unmade;
  }
  if (unmade != 0)
    warnings.push_back("tiktoken.model: " + std::to_string(unmade) + " tokens are not made of two others and get no merge");
  add_special_tokens(source, vocab_size, numbered);
  const std::uint64_t size = vocab_size != 0 ? vocab_size : own_size(numbered);
  HEIRLOOM_CHECK(check_ids(numbered, size));
  HEIRLOOM_TRY(vocabulary.tokens, place_tokens(std::move(numbered), size));
  apply_token_types(remarks_of(source), vocabulary.tokens);
  return vocabulary;
}

}  // namespace heirloom::tokenizer
