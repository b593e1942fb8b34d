// Name components (formats/facts/model-card.md#names): a model id such as "org/Tiny-Model-7B-Chat-v1" is cut at its
// hyphens, each part gets zero or more roles, and the roles say where the part goes.
#include "engine/card/card.hpp"
#include "engine/card/unicode_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace heirloom::card {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// Matches a text from its start, ignoring ASCII case; each step says whether it matched, and then moves on.
class Matcher {
 public:
  explicit Matcher(std::string_view text) : rest_(text) {}

  bool literal(std::string_view lowercase) {
    if (rest_.size() < lowercase.size())
      return false;
    for (std::size_t i = 0; i < lowercase.size(); ++i)
      if (lower(rest_[i]) != lowercase[i])
        return false;
    rest_.remove_prefix(lowercase.size());
    return true;
  }
  bool one_of(std::string_view lowercase) {
    if (rest_.empty() || lowercase.find(lower(rest_[0])) == std::string_view::npos)
      return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool digit() { return one_of("0123456789"); }
  bool digits() {
    const std::size_t before = rest_.size();
    while (digit()) {
    }
    return rest_.size() < before;
  }
  bool word_character() { return digit() || one_of("abcdefghijklmnopqrstuvwxyz_"); }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// (v|iter)?\d+([.]\d+)*
bool is_version(std::string_view part) {
  Matcher m(part);
  if (!m.literal("v"))
    m.literal("iter");
  if (!m.digits())
    return false;
  while (m.literal("."))
    if (!m.digits())
      return false;
  return m.at_end();
}

// i?q\d(_\w)*|b?fp?(16|32)
bool is_type(std::string_view part) {
  Matcher q(part);
  q.literal("i");
  if (q.literal("q") && q.digit()) {
    while (q.literal("_"))
      if (!q.word_character())
        return false;
    return q.at_end();
  }
  Matcher f(part);
  f.literal("b");
  if (!f.literal("f"))
    return false;
  f.literal("p");
  return (f.literal("16") || f.literal("32")) && f.at_end();
}

// \d+([._]\d+)?[KMBT]\d?
bool is_amount(Matcher m) {
  if (!m.digits() || (m.one_of("._") && !m.digits()) || !m.one_of("kmbt"))
    return false;
  m.digit();
  return m.at_end();
}

// (A|\d+x)? in front of an amount, or a word
bool is_size(std::string_view part) {
  for (const std::string_view word : {"small", "mini", "medium", "large", "xl", "xxl"})
    if (Matcher m(part); m.literal(word) && m.at_end())
      return true;
  for (const std::string_view lead : {"a", ""})
    if (Matcher m(part); m.literal(lead) && is_amount(m))
      return true;
  Matcher experts(part);
  return experts.digits() && experts.literal("x") && is_amount(experts);
}

bool is_known_finetune(std::string_view part) {
  for (const std::string_view word : {"chat", "instruct", "vision", "lora"})
    if (Matcher m(part); m.literal(word) && m.at_end())
      return true;
  return false;
}

// "1_6B" is "1.6B", "7b1" is "7.1B", "7b" is "7B"; a word stays.
std::string normalized_size(std::string_view part) {
  std::string label(part);
  std::replace(label.begin(), label.end(), '_', '.');
  const std::size_t n = label.size();
  if (n >= 2 && is_digit(label[n - 1]))
    label = label.substr(0, n - 2) + "." + label[n - 1] + label[n - 2];
  if (label.size() >= 2 && is_digit(label[label.size() - 2]))
    label.back() = upper(label.back());
  return label;
}

// Parameters that "1.6B" stands for; nothing for "8x7B", "A3B" and words.
std::optional<double> parameters_of(std::string_view label) {
  if (label.empty())
    return std::nullopt;
  const auto power = std::string_view("KMBT").find(label.back());
  const std::string_view digits = label.substr(0, label.size() - 1);
  double value = 0;
  const char* digits_end = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), digits_end, value, std::chars_format::fixed);
  if (power == std::string_view::npos || error != std::errc() || end != digits_end ||
      !is_digit(digits[0]))
    return std::nullopt;
  constexpr std::array scale = {1e3, 1e6, 1e9, 1e12};
  return value * scale[power];
}

// floor(7 * count / 8) without overflow.
double seven_eighths(std::uint64_t count) { return static_cast<double>(count / 8 * 7 + count % 8 * 7 / 8); }

std::uint64_t magnitude(std::int64_t count) {
  return count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
}

// Whether a size label is far from the model's real size, so that it means something else, a context length say.
// A negative total belongs to an adapter, which need not have all layers: then a larger label is right.
bool is_far_off(const std::string& label, std::int64_t total_parameters) {
  const std::optional<double> claimed = parameters_of(label);
  if (total_parameters == 0 || !claimed)
    return false;
  const std::uint64_t total = magnitude(total_parameters);
  if (total_parameters < 0)
    return *claimed < static_cast<double>(total / 8);
  return std::abs(*claimed - static_cast<double>(total)) > seven_eighths(total);
}

struct Part {
  std::string text;
  bool is_basename = false, is_size_label = false, is_finetune = false, is_version = false, is_type = false;

  int roles() const { return is_basename + is_size_label + is_finetune + is_version + is_type; }
};

std::vector<Part> parts_of(std::string_view name) {
  std::vector<Part> parts;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('-'), name.size());
    if (end > 0)
      parts.push_back({std::string(name.substr(0, end))});
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return parts;
}

void give_roles(std::vector<Part>& parts, std::int64_t total_parameters) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    if (is_version(part.text)) {
      part.is_version = true;
    } else if (is_type(part.text)) {
      part.is_type = true;
      std::transform(part.text.begin(), part.text.end(), part.text.begin(), upper);
    } else if (i > 0 && is_size(part.text)) {
      part.text = normalized_size(part.text);
      if (is_far_off(part.text, total_parameters)) {
        part.is_finetune = true;
        part.text.back() = lower(part.text.back());
      } else {
        part.is_size_label = true;
      }
    } else if (i > 0 && is_known_finetune(part.text)) {
      const bool is_redundant = total_parameters < 0 && Matcher(part.text).literal("lora");
      (is_redundant ? part.is_type : part.is_finetune) = true;
    }
  }
}

// A word ("small") is a size label only where no number is one.
void prefer_numbers(std::vector<Part>& parts) {
  const auto has_digit = [](const Part& p) { return std::any_of(p.text.begin(), p.text.end(), is_digit); };
  const auto is_word = [](const Part& p) { return std::all_of(p.text.begin(), p.text.end(), is_letter); };
  if (std::any_of(parts.begin(), parts.end(), [&](const Part& p) { return p.is_size_label && has_digit(p); }))
    for (Part& part : parts)
      if (is_word(part))
        part.is_size_label = false;
}

// The basename is what stands in front, versions included, but not a version at its very end.
void find_basename(std::vector<Part>& parts) {
  bool at_start = true;
  for (Part& part : parts) {
    const bool starts_with_letter = is_letter(part.text[0]) || static_cast<unsigned char>(part.text[0]) >= 0x80;
    if (at_start && ((part.roles() == 0 && starts_with_letter) || part.is_version)) {
      part.is_basename = true;
    } else {
      at_start = false;
      if (part.roles() == 0)
        part.is_finetune = true;
    }
  }
  for (auto part = parts.rbegin(); part != parts.rend() && part->is_basename && part->roles() > 1; ++part)
    part->is_basename = false;
}

template <class Wanted>
std::optional<std::string> joined(const std::vector<Part>& parts, Wanted wanted) {
  std::optional<std::string> text;
  for (const Part& part : parts)
    if (wanted(part))
      text = text ? *text + "-" + part.text : part.text;
  return text;
}

std::string rounded_notation(double count) {
  struct Unit { double above; double scale; char suffix; };
  constexpr Unit units[] = {{1e12, 1e-12, 'T'}, {1e9, 1e-9, 'B'}, {1e6, 1e-6, 'M'}, {-1, 1e-3, 'K'}};
  const Unit& unit = *std::find_if(std::begin(units), std::end(units), [&](const Unit& u) { return count > u.above; });
  const double scaled = count * unit.scale;
  const double whole = std::nearbyint(scaled);
  const int decimals = whole == 0 ? 2 : whole < 10 ? 1 : 0;
  std::array<char, 64> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), scaled, std::chars_format::fixed, decimals);
  return std::string(digits.data(), end.ptr) + unit.suffix;
}

}  // namespace

NameParts name_parts(std::string_view model_id, std::int64_t total_parameters) {
  NameParts found;
  std::string_view name = model_id;
  if (model_id.find(' ') == std::string_view::npos) {
    if (const std::size_t slash = model_id.find('/'); slash != std::string_view::npos) {
      if (slash == 0 || model_id[0] != '.')
        found.organization = model_id.substr(0, slash);
      name = model_id.substr(slash + 1);
    }
  }
  found.full_name = name;
  if (model_id.find(' ') != std::string_view::npos)
    return found;  // a sentence, not an id

  std::vector<Part> parts = parts_of(name);
  give_roles(parts, total_parameters);
  prefer_numbers(parts);
  find_basename(parts);
  std::vector<Part> sizes;
  for (const Part& part : parts)
    if (part.is_size_label &&
        std::none_of(sizes.begin(), sizes.end(), [&](const Part& p) { return p.text == part.text; }))
      sizes.push_back(part);
  found.size_label = joined(sizes, [](const Part&) { return true; });
  found.finetune = joined(parts, [](const Part& p) { return p.is_finetune; });
  found.version = joined(parts, [](const Part& p) { return p.is_version && !p.is_basename; });
  if (found.size_label || found.finetune || found.version)  // else too ambiguous
    found.basename = joined(parts, [](const Part& p) { return p.is_basename; });
  return found;
}

std::string title_of(std::string_view id) {
  std::string spaced(id);
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  std::string title;
  for (const std::string_view word : words_of(spaced)) {
    const bool keeps_case = is_digit(word[0]) || (word[0] == 'v' && is_version(word));
    if (!title.empty())
      title += ' ';
    title += !keeps_case && is_lowercase(word) ? title_case(word) : std::string(word);
  }
  return title;
}

std::string size_label(std::int64_t total_parameters, std::int64_t shared_parameters, std::int64_t expert_parameters,
                       std::int64_t expert_count) {
  if (expert_count <= 0)
    return rounded_notation(static_cast<double>(magnitude(total_parameters)));
  const std::uint64_t one_expert = magnitude(shared_parameters) + magnitude(expert_parameters);
  return std::to_string(expert_count) + "x" + rounded_notation(static_cast<double>(one_expert));
}

}  // namespace heirloom::card
