#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/from_gguf.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

// Longer pieces would cost the square of their length.
constexpr std::size_t max_piece_characters = 256;

struct Merge {
  std::string_view left, right;
  float score = 0;
  std::size_t left_size = 0, right_size = 0;  // characters
};

using IdOf = std::unordered_map<std::string_view, std::uint64_t>;

// Byte positions after each character of valid UTF-8; empty when the piece is too long.
std::vector<std::size_t> character_ends(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::string_view rest = text; !rest.empty();) {
    if (!take_character(rest) || ends.size() == max_piece_characters)
      return {};
    ends.push_back(text.size() - rest.size());
  }
  return ends;
}

// All ways to make a piece of two others, by the ids of the parts.
void add_merges(const Token& token, const std::vector<std::size_t>& ends, const IdOf& id_of, std::vector<Merge>& merges) {
  struct Split {
    std::uint64_t left, right;
    Merge merge;
  };
  std::vector<Split> splits;
  const std::string_view text = token.text;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    const auto left = id_of.find(text.substr(0, ends[i]));
    const auto right = id_of.find(text.substr(ends[i]));
    if (left != id_of.end() && right != id_of.end())
      splits.push_back({left->second, right->second,
                        Merge{left->first, right->first, token.score, i + 1, ends.size() - i - 1}});
  }
  std::sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) {
    return std::pair(a.left, a.right) < std::pair(b.left, b.right);
  });
  for (const Split& split : splits)
    merges.push_back(split.merge);
}

// Scores that are not numbers, or the same for all, rank nothing.
bool are_ranked(const std::vector<const Token*>& pieces) {
  const auto is_number = [](const Token* piece) { return piece->score == piece->score; };
  const auto differs = [&](const Token* piece) { return piece->score != pieces.front()->score; };
  return !pieces.empty() && std::all_of(pieces.begin(), pieces.end(), is_number) &&
         std::any_of(pieces.begin(), pieces.end(), differs);
}

}  // namespace

std::optional<std::vector<std::string>> derive_merges(const std::vector<Token>& tokens) {
  std::vector<const Token*> pieces;
  IdOf id_of;
  for (std::uint64_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].type == TokenType::normal) {
      pieces.push_back(&tokens[id]);
      if (!id_of.emplace(tokens[id].text, id).second)
        return std::nullopt;
    }
  if (!are_ranked(pieces))
    return std::nullopt;
  std::vector<Merge> merges;
  for (const Token* piece : pieces) {
    const auto ends = character_ends(piece->text);
    if (ends.empty())
      return std::nullopt;
    add_merges(*piece, ends, id_of, merges);
  }
  std::stable_sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
    return std::tuple(-a.score, b.left_size, b.right_size) < std::tuple(-b.score, a.left_size, a.right_size);
  });
  std::vector<std::string> texts;
  for (const Merge& merge : merges) {
    // A space would be read as the border between the parts.
    if (merge.left.find(' ') != std::string_view::npos || merge.right.find(' ') != std::string_view::npos)
      return std::nullopt;
    texts.push_back(std::string(merge.left) + " " + std::string(merge.right));
  }
  return texts;
}

}  // namespace heirloom::tokenizer
