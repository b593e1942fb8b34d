#include "engine/card/front_matter.hpp"

#include "engine/card/yaml.hpp"

#include <algorithm>
#include <cstddef>

namespace heirloom::card {
namespace {

using model::Json;

constexpr std::string_view fence = "---";

// Lines with their ends; what the ends are is left as it is.
std::vector<std::string> lines_with_ends(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n'))
    line.remove_suffix(1);
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

// What is indented may be text of a block scalar, whatever it looks like.
bool is_blank_or_comment(std::string_view line) {
  const std::string_view text = without_end(line);
  return text.find_first_not_of(" \t") == text.npos || text[0] == '#';
}

// The key that begins a line at its left edge, without quotes; nothing for every other line.
std::optional<std::string_view> key_of(std::string_view line) {
  const std::string_view text = without_end(line);
  if (text.empty() || std::string_view(" \t#-[]{}").find(text[0]) != std::string_view::npos)
    return std::nullopt;
  const bool is_quoted = text[0] == '"' || text[0] == '\'';
  const std::size_t from = is_quoted ? text.find(text[0], 1) : 0;
  if (from == text.npos)
    return std::nullopt;
  for (std::size_t colon = text.find(':', from); colon != text.npos; colon = text.find(':', colon + 1)) {
    if (colon + 1 != text.size() && text[colon + 1] != ' ' && text[colon + 1] != '\t')
      continue;
    std::string_view key = text.substr(0, colon);
    key = key.substr(0, key.find_last_not_of(" \t") + 1);
    return is_quoted && key.size() >= 2 ? key.substr(1, key.size() - 2) : key;
  }
  return std::nullopt;
}

// The README in three parts: the lines between the fences, and what stands before and behind them with the fences.
struct Parts {
  std::string head, tail;
  std::vector<std::string> lines;
  std::string line_end = "\n";
};

Result<Parts> take_apart(std::string_view readme) {
  Parts parts;
  std::vector<std::string> all = lines_with_ends(readme);
  if (all.empty() || without_end(all.front()) != fence) {
    if (!front_matter_of(readme).empty())
      return fail(Code::unsupported, "the front matter has line ends that are neither LF nor CR LF; edit it by hand");
    parts.line_end = !all.empty() && all.front().ends_with("\r\n") ? "\r\n" : "\n";
    parts.head = std::string(fence) + parts.line_end;
    parts.tail = parts.head + std::string(readme);
    return parts;
  }
  const auto close = std::find_if(all.begin() + 1, all.end(), [](const std::string& line) { return without_end(line) == fence; });
  if (close == all.end())
    return fail(Code::malformed, "the front matter has no end: a line \"---\" is missing");
  parts.line_end = all.front().ends_with("\r\n") ? "\r\n" : "\n";
  parts.head = all.front();
  parts.lines.assign(all.begin() + 1, close);
  for (auto line = close; line != all.end(); ++line)
    parts.tail += *line;
  return parts;
}

struct Block {
  std::size_t first = 0, last = 0;  // lines [first, last)
};

// The lines of a key and its value; what is blank or a comment behind it belongs to what follows.
std::optional<Block> find_block(const std::vector<std::string>& lines, std::string_view key) {
  const auto start = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) { return key_of(line) == key; });
  if (start == lines.end())
    return std::nullopt;
  auto end = std::find_if(start + 1, lines.end(), [](const std::string& line) { return key_of(line).has_value(); });
  while (end != start + 1 && is_blank_or_comment(*(end - 1)))
    --end;
  return Block{static_cast<std::size_t>(start - lines.begin()), static_cast<std::size_t>(end - lines.begin())};
}

std::string flow_of(const Json& value) {  // NOLINT(misc-no-recursion): depth is limited by parse_json
  if (value.text() != nullptr)
    return value.dump();
  std::string out;
  if (value.array() != nullptr) {
    for (const Json& item : *value.array())
      out += (out.empty() ? "" : ", ") + flow_of(item);
    return "[" + out + "]";
  }
  if (value.object() != nullptr) {
    for (const auto& [key, member] : *value.object())
      out += (out.empty() ? "" : ", ") + Json(key).dump() + ": " + flow_of(member);
    return "{" + out + "}";
  }
  return value.dump();
}

std::string value_of(const Json& value) { return value.text() != nullptr ? yaml_scalar(*value.text()) : flow_of(value); }

std::vector<std::string> block_of(const FrontMatterEdit& edit, const Json& value, const std::string& line_end) {
  const std::string name = yaml_scalar(edit.key) + ":";
  if (value.array() == nullptr || value.array()->empty())
    return {name + " " + (value.is_number() && !edit.text.empty() ? edit.text : value_of(value)) + line_end};
  std::vector<std::string> lines{name + line_end};
  for (const Json& item : *value.array())
    lines.push_back("- " + value_of(item) + line_end);
  return lines;
}

Json json_of(const Yaml& node) {  // NOLINT(misc-no-recursion): depth is limited by parse_yaml
  if (node.is_null())
    return Json();
  if (node.is_scalar())
    return Json(node.text);
  if (node.kind == Yaml::Kind::list) {
    Json::Array items;
    for (const Yaml& item : node.items)
      items.push_back(json_of(item));
    return Json(std::move(items));
  }
  Json::Object members;
  for (const auto& [key, member] : node.members)
    members.emplace_back(key, json_of(member));
  return Json(std::move(members));
}

bool is_same(const Yaml& a, const Yaml& b) {  // NOLINT(misc-no-recursion): likewise
  return a.kind == b.kind && a.text == b.text &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), is_same) &&
         std::equal(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && is_same(x.second, y.second); });
}

Result<Yaml> read_root(std::string_view readme) {
  HEIRLOOM_TRY(YamlDocument document, parse_yaml(front_matter_of(readme)));
  if (!document.repeated_keys.empty())
    return fail(Code::malformed, "key \"" + document.repeated_keys.front() + "\" of the front matter occurs twice; remove one by hand");
  if (document.root.is_null())
    return Yaml{Yaml::Kind::map};
  if (document.root.kind != Yaml::Kind::map)
    return fail(Code::malformed, "the front matter is no mapping of keys to values");
  return std::move(document.root);
}

// The value in the type that it gets: a text stays a text.
Result<Json> typed(const FrontMatterEdit& edit, const Yaml* before) {
  const Json& value = *edit.value;
  if (value.is_null())
    return fail(Code::misuse, "key \"" + edit.key + "\" has no value; --remove takes it away");
  const bool is_scalar = value.array() == nullptr && value.object() == nullptr;
  if (before == nullptr || before->is_null() || !is_scalar)
    return value;
  if (!before->is_scalar())
    return fail(Code::misuse, "key \"" + edit.key + "\" is a " + (before->kind == Yaml::Kind::list ? "list" : "mapping") +
                                  "; give a JSON value of that kind, as '[\"a\", \"b\"]'");
  const bool is_other = before->kind == Yaml::Kind::text && value.text() == nullptr;
  return is_other ? Json(edit.text.empty() ? value.dump() : edit.text) : value;
}

// What the new front matter must say.
void expect(const std::string& key, const std::optional<Json>& value, Yaml& root) {
  const auto found = std::find_if(root.members.begin(), root.members.end(), [&](const auto& member) { return member.first == key; });
  if (!value) {
    root.members.erase(found);
    return;
  }
  Yaml& node = found == root.members.end() ? root.members.emplace_back(key, Yaml()).second : found->second;
  node = Yaml{Yaml::Kind::text};  // only its key is compared: the value is compared as JSON
}

// The root of the new front matter.
Result<Yaml> check(std::string_view text, const Yaml& expected, const std::vector<FrontMatterEdit>& edits,
                   const std::vector<std::optional<Json>>& values) {
  auto root = read_root(text);
  bool is_good = root && root->members.size() == expected.members.size();
  for (std::size_t i = 0; is_good && i < root->members.size(); ++i) {
    const std::string& key = root->members[i].first;
    const Yaml& node = root->members[i].second;
    const auto edit = std::find_if(edits.rbegin(), edits.rend(), [&](const FrontMatterEdit& one) { return one.key == key; });
    is_good = key == expected.members[i].first;
    if (!is_good || edit == edits.rend()) {
      is_good = is_good && is_same(node, expected.members[i].second);
      continue;
    }
    const std::optional<Json>& value = values[static_cast<std::size_t>(edits.rend() - edit) - 1];
    is_good = value.has_value() && (value->text() == nullptr || (node.kind == Yaml::Kind::text && node.text == *value->text()));
  }
  if (!is_good)
    return fail(Code::unsupported, "the front matter has a form that cannot be edited line by line; edit it by hand");
  return root;
}

std::optional<std::string> value_in(const Yaml& root, std::string_view key) {
  const Yaml* node = root.find(key);
  return node == nullptr ? std::nullopt : std::optional(flow_of(json_of(*node)));
}

}  // namespace

Result<EditedReadme> edit_front_matter(std::string_view readme, const std::vector<FrontMatterEdit>& edits) {
  HEIRLOOM_TRY(Parts parts, take_apart(readme));
  HEIRLOOM_TRY(Yaml root, read_root(readme));
  EditedReadme out;
  std::vector<std::optional<Json>> values;
  for (const FrontMatterEdit& edit : edits) {
    const Yaml* before = root.find(edit.key);
    if (edit.key.empty() || (before == nullptr && !edit.value))
      return fail(Code::misuse, edit.key.empty() ? "a key has no name" : "there is no key \"" + edit.key + "\" to remove");
    out.before.push_back(value_in(root, edit.key));
    values.emplace_back();
    if (edit.value) {
      HEIRLOOM_TRY(values.back(), typed(edit, before));
    }
    const std::optional<Block> block = find_block(parts.lines, edit.key);
    if (block.has_value() != (before != nullptr))
      return fail(Code::unsupported, "key \"" + edit.key + "\" of the front matter has a form that cannot be edited line by line; edit it by hand");
    std::size_t at = parts.lines.size();
    if (block) {
      at = block->first;
      parts.lines.erase(parts.lines.begin() + static_cast<std::ptrdiff_t>(block->first),
                        parts.lines.begin() + static_cast<std::ptrdiff_t>(block->last));
    }
    if (values.back()) {
      const std::vector<std::string> lines = block_of(edit, *values.back(), parts.line_end);
      parts.lines.insert(parts.lines.begin() + static_cast<std::ptrdiff_t>(at), lines.begin(), lines.end());
    }
    expect(edit.key, edit.value, root);
  }
  out.text = parts.head;
  for (const std::string& line : parts.lines)
    out.text += line;
  out.text += parts.tail;
  HEIRLOOM_TRY(const Yaml now, check(out.text, root, edits, values));
  for (const FrontMatterEdit& edit : edits)
    out.after.push_back(value_in(now, edit.key));
  return out;
}

}  // namespace heirloom::card
