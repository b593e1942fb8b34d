#include "engine/card/yaml.hpp"

#include "engine/base/text.hpp"
#include "engine/card/unicode_text.hpp"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <sstream>

namespace heirloom::card {

namespace {

constexpr std::size_t longest_special_scalar = 64;  // bounds what the expressions below work on
constexpr std::string_view standard_tags = "tag:yaml.org,2002:";
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> escapes = {{
    {"\"", "\\\""}, {"\\", "\\\\"}, {"\n", "\\n"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"},
    {"\uFEFF", "\\ufeff"}, {"\uFFFE", "\\ufffe"}, {"\uFFFF", "\\uffff"},
}};

std::uint64_t position_of(const YAML::Mark& mark) {
  return mark.is_null() || mark.pos < 0 ? no_position : static_cast<std::uint64_t>(mark.pos);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t found = text.find(from); found != std::string::npos; found = text.find(from, at)) {
    out.append(text, at, found - at).append(to);
    at = found + from.size();
  }
  text = std::move(out.append(text, at));
}

std::string too_deep() { return "yaml nested more than " + std::to_string(max_yaml_depth) + " deep"; }

// What a node and all below it cost.
struct Cost {
  std::size_t nodes = 0;
  std::size_t text_bytes = 0;
};

Cost cost_of(const Yaml& node) {  // NOLINT(misc-no-recursion): depth is limited
  Cost cost{1, node.text.size()};
  const auto add = [&](const Cost& more) {
    cost.nodes += more.nodes;
    cost.text_bytes += more.text_bytes;
  };
  for (const Yaml& item : node.items)
    add(cost_of(item));
  for (const auto& [key, value] : node.members) {
    add(cost_of(value));
    cost.text_bytes += key.size();
  }
  return cost;
}

// Receives the parser's events. After the first error it ignores the rest.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlDocument document;
  std::optional<Error> error;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { finish({}, mark, anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (error)
      return;
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end())
      return stop(Code::malformed, "an alias refers to a node that holds it", mark);
    if (spend(cost_of(target->second), mark))
      add(Yaml(target->second), mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Yaml node{Yaml::Kind::text, value};
    if (tag == "?") {
      if (is_special_scalar(value))
        node.kind = Yaml::Kind::number_or_date;
    } else if (tag != "!" && tag != std::string(standard_tags) + "str") {
      note_tag(tag, mark);
      node.kind = Yaml::Kind::number_or_date;
    }
    finish(std::move(node), mark, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::list, tag, mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Yaml::Kind::map, tag, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Yaml node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    std::map<std::string, std::size_t> places = {};  // of a map's keys
    std::optional<std::string> key = {};             // whose value comes next
    bool skips_value = false;
  };

  void stop(Code code, std::string message, const YAML::Mark& mark) {
    if (!error)
      error = Error{code, std::move(message), position_of(mark)};
  }

  bool spend(const Cost& cost, const YAML::Mark& mark) {
    spent_.nodes += cost.nodes;
    spent_.text_bytes += cost.text_bytes;
    if (spent_.nodes > max_yaml_nodes || spent_.text_bytes > max_yaml_text_bytes)
      stop(Code::limit, "yaml of more than " + std::to_string(max_yaml_nodes) + " nodes or " +
                            std::to_string(max_yaml_text_bytes) + " bytes of text, aliases expanded", mark);
    return !error;
  }

  void note_tag(const std::string& tag, const YAML::Mark& mark) {
    if (document.warnings.size() < 16)
      document.warnings.push_back("tag '" + tag + "' on line " + std::to_string(mark.line + 2) + " is ignored");
  }

  void open(Yaml::Kind kind, const std::string& tag, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (error)
      return;
    if (frames_.size() >= max_yaml_depth)
      return stop(Code::limit, too_deep(), mark);
    if (tag != "?" && tag != "!" && tag.substr(0, standard_tags.size()) != standard_tags)
      note_tag(tag, mark);
    frames_.push_back({Yaml{kind}, mark, anchor});
  }

  void close() {
    if (error)
      return;
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    finish(std::move(frame.node), frame.mark, frame.anchor);
  }

  void finish(Yaml node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (error || !spend({1, node.text.size()}, mark))
      return;
    if (anchor != 0) {
      if (!spend(cost_of(node), mark))
        return;
      anchors_[anchor] = node;
    }
    add(std::move(node), mark);
  }

  void add(Yaml node, const YAML::Mark& mark) {
    if (frames_.empty()) {
      document.root = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Yaml::Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      frame.skips_value = !node.is_scalar() && !node.is_null();
      if (frame.skips_value)
        document.warnings.push_back("a key on line " + std::to_string(mark.line + 2) + " is no text: it is ignored");
      frame.key = std::move(node.text);
    } else {
      if (!frame.skips_value)
        set(frame, std::move(*frame.key), std::move(node));
      frame.key.reset();
    }
  }

  void set(Frame& frame, std::string key, Yaml node) {
    const auto [place, is_new] = frame.places.try_emplace(key, frame.node.members.size());
    if (is_new) {
      frame.node.members.emplace_back(std::move(key), std::move(node));
      return;
    }
    frame.node.members[place->second].second = std::move(node);
    if (frames_.size() == 1)
      document.repeated_keys.push_back(std::move(key));
  }

  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  Cost spent_;
};

Result<YamlDocument> parse_checked(const std::string& yaml) {
  std::istringstream stream(yaml + "...\n");  // the end of the document: inside an open quote it is an error
  YAML::Parser parser(stream);
  TreeBuilder builder;
  parser.HandleNextDocument(builder);
  if (builder.error)
    return fail(*builder.error);
  TreeBuilder second;
  if (parser.HandleNextDocument(second))
    builder.document.warnings.push_back("front matter of more than one yaml document: only the first is read");
  return std::move(builder.document);
}

bool is_plain_safe(std::string_view text) {
  const auto is_safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._/+-").find(c) != std::string_view::npos;
  };
  if (text.empty() || !((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z')))
    return false;
  return std::all_of(text.begin(), text.end(), is_safe) && !is_special_scalar(text);
}

}  // namespace

const Yaml* Yaml::find(std::string_view key) const {
  for (const auto& [name, value] : members)
    if (name == key)
      return &value;
  return nullptr;
}

std::string front_matter_of(std::string_view readme) {
  const std::vector<std::string_view> lines = lines_of(readme);
  if (lines.empty() || lines[0] != "---")
    return {};
  std::string yaml;
  for (std::size_t i = 1; i < lines.size() && lines[i] != "---"; ++i)
    yaml.append(lines[i]).append("\n");
  replace_all(yaml, "- no\n", "- \"no\"\n");
  replace_all(yaml, "\t", "  ");
  return yaml;
}

Result<YamlDocument> parse_yaml(const std::string& yaml) {
  if (yaml.size() > max_yaml_bytes)
    return fail(Code::limit, "front matter of " + std::to_string(yaml.size()) + " bytes is too large");
  if (!base::is_utf8(yaml))
    return fail(Code::malformed, "front matter is not valid utf-8");
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20 && c != '\n') || c == 0x7F; };
  if (const auto bad = std::find_if(yaml.begin(), yaml.end(), is_control); bad != yaml.end())
    return fail(Code::malformed, "front matter has a control character",
                static_cast<std::uint64_t>(bad - yaml.begin()));
  try {
    return parse_checked(yaml);
  } catch (const YAML::DeepRecursion& e) {
    return fail(Code::limit, too_deep(), position_of(e.mark));
  } catch (const YAML::Exception& e) {
    return fail(Code::malformed, "front matter is not valid yaml: " + e.msg, position_of(e.mark));
  } catch (const std::exception& e) {
    return fail(Code::malformed, std::string("front matter is not valid yaml: ") + e.what());
  }
}

bool is_special_scalar(std::string_view plain) {
  static const std::regex special(
      "~|null|Null|NULL|=|"
      "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|"
      "[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|"
      "[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+|"
      "[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|[-+]?\\.[0-9][0-9_]*([eE][-+][0-9]+)?|"
      "[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN)|"
      "[0-9]{4}-[0-9]{2}-[0-9]{2}|"
      "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]| +)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?"
      "( *(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?",
      std::regex::ECMAScript | std::regex::optimize);
  return plain.empty() ||
         (plain.size() <= longest_special_scalar && std::regex_match(plain.begin(), plain.end(), special));
}

std::string yaml_scalar(std::string_view text) {
  if (is_plain_safe(text))
    return std::string(text);
  static constexpr char hex[] = "0123456789abcdef";
  const std::string valid = repaired_utf8(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const std::string_view rest = std::string_view(valid).substr(i);
    const auto* escape =
        std::find_if(escapes.begin(), escapes.end(), [&](const auto& e) { return rest.starts_with(e.first); });
    const auto byte = static_cast<unsigned char>(valid[i]);
    if (escape != escapes.end()) {
      out += escape->second;
      i += escape->first.size() - 1;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    } else if (byte == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0) {  // C1 controls
      const auto control = static_cast<unsigned char>(valid[++i]);
      out += {'\\', 'x', hex[control >> 4], hex[control & 15]};
    } else {
      out += valid[i];
    }
  }
  return out + '"';
}

}  // namespace heirloom::card
