// A model card taken apart, and one whose front matter is brought in line with the general.* keys of a GGUF: only the lines of
// a key that differs are touched. What was made is read again; a change that did more or less than it should is undone.
#include "engine/card/card.hpp"
#include "engine/card/entries.hpp"
#include "engine/card/text_rules.hpp"
#include "engine/card/unicode_text.hpp"
#include "engine/card/yaml.hpp"

#include <algorithm>

namespace heirloom::card {
namespace {

// The front matter's lines, without the two "---" around it, by their place in the text.
struct Block {
  std::size_t begin = 0, end = 0;  // bytes of the lines between
  std::size_t body = 0;            // first byte after the closing line
  bool is_there = false;
};

Block block_of(std::string_view readme) {
  const auto lines = lines_of(readme);
  Block block;
  if (lines.empty() || lines[0] != "---")
    return block;
  const auto start_of = [&](std::size_t i) {
    return i < lines.size() ? static_cast<std::size_t>(lines[i].data() - readme.data()) : readme.size();
  };
  std::size_t last = 1;
  while (last < lines.size() && lines[last] != "---")
    ++last;
  return {start_of(1), start_of(last), start_of(std::min(last + 1, lines.size())), true};
}

// A text that stands for a value: a scalar as written, else JSON whose scalars are texts.
model::Json json_of(const Yaml& value) {  // NOLINT(misc-no-recursion): depth is limited
  if (value.kind == Yaml::Kind::list) {
    model::Json::Array items;
    for (const Yaml& item : value.items)
      items.push_back(json_of(item));
    return model::Json(std::move(items));
  }
  if (value.kind == Yaml::Kind::map) {
    model::Json::Object members;
    for (const auto& [key, member] : value.members)
      members.emplace_back(key, json_of(member));
    return model::Json(std::move(members));
  }
  return value.is_null() ? model::Json() : model::Json(value.text);
}

// General keys that are changed together, and the front-matter keys that they come from.
struct Group {
  std::string_view key;                      // "general.license"; with `is_list` what the keys begin with
  std::vector<std::string_view> card_keys;
  bool is_list = false;

  bool has(std::string_view attr) const { return attr == key || (is_list && attr.starts_with(std::string(key) + ".")); }
};

std::vector<Group> all_groups() {
  std::vector<Group> groups;
  for (const TextRule& rule : text_rules) {
    Group group{rule.gguf_key, {}};
    std::copy_if(rule.card_keys.begin(), rule.card_keys.end(), std::back_inserter(group.card_keys),
                 [](std::string_view key) { return !key.empty(); });
    groups.push_back(std::move(group));
  }
  groups.push_back({"general.base_model", {"base_model", "base_models", "base_model_sources"}, true});
  groups.push_back({"general.dataset", {"datasets", "dataset", "dataset_sources"}, true});
  groups.push_back({"general.tags", {"tags", "pipeline_tag"}});
  groups.push_back({"general.languages", {"languages", "language"}});
  return groups;
}

std::vector<Attr> those_of(const Group& group, const std::vector<Attr>& attrs) {
  std::vector<Attr> found;
  std::copy_if(attrs.begin(), attrs.end(), std::back_inserter(found), [&](const Attr& attr) { return group.has(attr.key); });
  return found;
}

// Whether a line of the root mapping begins with this key.
bool begins_with_key(std::string_view line, std::string_view key) {
  for (const char* quote : {"", "\"", "'"}) {
    const std::string start = quote + std::string(key) + quote;
    if (!line.starts_with(start))
      continue;
    const std::string_view rest = line.substr(start.size());
    const std::size_t colon = rest.find_first_not_of(" \t");
    if (colon != rest.npos && rest[colon] == ':' && (colon + 1 == rest.size() || rest[colon + 1] == ' ' || rest[colon + 1] == '\t'))
      return true;
  }
  return false;
}

// Whether a line goes on with the value that stands above it.
bool goes_on(std::string_view line) { return line.empty() || line[0] == ' ' || line[0] == '\t' || line[0] == '-' || line[0] == ']' || line[0] == '}'; }

// The front matter with `replacement` in place of the lines of these keys, or at its end where it has none.
std::string replaced(std::string_view yaml, const std::vector<std::string_view>& keys, const std::string& replacement) {
  const auto lines = lines_of(yaml);
  std::string out;
  bool is_inside = false, is_written = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto start = static_cast<std::size_t>(lines[i].data() - yaml.data());
    const std::size_t end = i + 1 < lines.size() ? static_cast<std::size_t>(lines[i + 1].data() - yaml.data()) : yaml.size();
    const bool begins = std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return begins_with_key(lines[i], key); });
    is_inside = begins || (is_inside && goes_on(lines[i]));
    if (begins && !is_written) {
      out += replacement;
      is_written = true;
    }
    if (!is_inside)
      out += yaml.substr(start, end - start);
  }
  return is_written ? out : out + replacement;
}

// With the line ends of the card.
std::string with_line_ends(const std::string& lines, std::string_view readme) {
  if (!readme.starts_with("---\r\n"))
    return lines;
  std::string out;
  for (const char c : lines)
    out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

std::string with_group(const std::string& readme, const Group& group, const std::vector<Attr>& wanted) {
  const std::string lines = with_line_ends(front_matter_of(readme_from_keys(wanted)), readme);
  const Block block = block_of(readme);
  if (!block.is_there)
    return "---\n" + lines + "---\n" + readme;
  return readme.substr(0, block.begin) + replaced(std::string_view(readme).substr(block.begin, block.end - block.begin), group.card_keys, lines) +
         readme.substr(block.end);
}

bool is_of(const Group& group, const std::string& key) {
  return std::find(group.card_keys.begin(), group.card_keys.end(), key) != group.card_keys.end();
}

// Whether all but the group's keys is as it was, and the group says what it should.
bool is_good(const CardInput& input, const std::string& before, const std::string& after, const Group& group, const std::vector<Attr>& wanted) {
  const CardParts was = parts_of(before), is = parts_of(after);
  const auto rest = [&](const CardParts& parts) {
    std::vector<std::pair<std::string, std::string>> kept;
    std::copy_if(parts.keys.begin(), parts.keys.end(), std::back_inserter(kept), [&](const auto& key) { return !is_of(group, key.first); });
    return kept;
  };
  CardInput again = input;
  again.readme = after;
  return is.unread.empty() && was.body == is.body && rest(was) == rest(is) && those_of(group, general_keys(again).attrs) == wanted;
}

}  // namespace

CardParts parts_of(const std::string& readme) {
  const Block block = block_of(readme);
  CardParts parts;
  if (!block.is_there) {
    parts.body = readme;
    return parts;
  }
  parts.body = readme.substr(block.body);
  const auto document = parse_yaml(front_matter_of(readme));
  if (!document || (document->root.kind != Yaml::Kind::map && !document->root.is_null())) {
    parts.unread = readme.substr(block.begin, block.end - block.begin);
    return parts;
  }
  for (const auto& [key, value] : document->root.members)
    parts.keys.emplace_back(key, value.is_scalar() ? value.text : json_of(value).dump());
  return parts;
}

MendedCard mended(const CardInput& input, const std::vector<Attr>& attrs) {
  MendedCard card{input.readme, {}, {}};
  const std::vector<Attr> said = general_keys(input).attrs;
  for (const Group& group : all_groups()) {
    const auto wanted = those_of(group, attrs);
    if (wanted.empty() || wanted == those_of(group, said))
      continue;
    std::string changed = with_group(card.readme, group, wanted);
    const bool is_changed = is_good(input, card.readme, changed, group, wanted);
    (is_changed ? card.changed : card.unmended).emplace_back(group.key);
    if (is_changed)
      card.readme = std::move(changed);
  }
  return card;
}

}  // namespace heirloom::card
