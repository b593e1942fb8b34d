#include "engine/arch/map_words.hpp"

#include "engine/base/text.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

namespace heirloom::arch {
namespace {

// Letters to insert, leave out or change, to come from one word to the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, change});
    }
  }
  return row.back();
}

// Words of one table or enumeration.
struct Group {
  std::string name;
  std::vector<std::string> words;
};

std::vector<Group> tables_of(const flatbuffers::Parser& parser) {
  std::vector<Group> groups;
  for (const auto* table : parser.structs_.vec) {
    groups.push_back({table->name, {}});
    for (const auto* field : table->fields.vec)
      groups.back().words.push_back(field->name);
  }
  return groups;
}

std::vector<Group> enumerations_of(const flatbuffers::Parser& parser) {
  std::vector<Group> groups;
  for (const auto* enumeration : parser.enums_.vec) {
    groups.push_back({enumeration->name, {}});
    for (const auto* value : enumeration->Vals())
      groups.back().words.push_back(value->name);
  }
  return groups;
}

std::string nearest_of(const std::vector<Group>& groups, std::string_view word) {
  const Group* group = nullptr;
  std::string_view nearest;
  std::size_t best = SIZE_MAX;
  for (const Group& one : groups)
    for (const std::string& known : one.words)
      if (const std::size_t steps = distance(known, word); steps < best) {
        best = steps;
        group = &one;
        nearest = known;
      }
  if (group == nullptr)
    return "";
  std::string text = "did you mean " + base::quoted(std::string(nearest)) + "? " + group->name + " has ";
  for (const std::string& known : group->words)
    text += (&known == &group->words.front() ? "" : ", ") + known;
  return text;
}

// What follows `label` in the message.
std::string_view word_after(std::string_view message, std::string_view label) {
  const std::size_t at = message.find(label);
  return at == std::string_view::npos ? std::string_view() : message.substr(at + label.size());
}

}  // namespace

std::string allowed_words(const flatbuffers::Parser& parser) {
  if (const auto word = word_after(parser.error_, "unknown field: "); !word.empty())
    return nearest_of(tables_of(parser), word);
  if (const auto word = word_after(parser.error_, "unknown enum value: "); !word.empty())
    return nearest_of(enumerations_of(parser), word);
  return "";
}

}  // namespace heirloom::arch
