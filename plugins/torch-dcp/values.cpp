#include "values.hpp"

#include "plugins/common/pickle/policy.hpp"
#include "plugins/common/torch/saved.hpp"
#include "plugins/common/torch/values.hpp"
#include "plugins/common/torch/walk.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace heirloom::torch_dcp {
namespace {

using pickle::Id;
using pickle::Kind;
using pickle::Tree;

constexpr std::uint64_t max_value_bytes = 64u << 20;  // of a value's pickle
constexpr std::size_t max_text_bytes = 4096;
constexpr int max_text_depth = 64;

class Printer {
 public:
  Printer(const Tree& tree, std::size_t max_bytes) : tree_(tree), max_bytes_(max_bytes) {}

  std::string run(Id id) {
    print(id, 0);
    if (is_full())
      text_.resize(max_bytes_), text_ += "...";
    return std::move(text_);
  }

 private:
  // Every call adds at least one byte, so that a value which holds another many times ends at the limit.
  bool is_full() const { return text_.size() > max_bytes_; }

  void print(Id id, int depth) {
    if (is_full())
      return;
    if (depth > max_text_depth) {
      text_ += "...";
      return;
    }
    switch (tree_.kind(id)) {
      case Kind::none: text_ += "None"; break;
      case Kind::boolean: text_ += *tree_.boolean(id) ? "True" : "False"; break;
      case Kind::integer: text_ += std::to_string(*tree_.integer(id)); break;
      case Kind::real: real(*tree_.real(id)); break;
      case Kind::text: text_ += "'" + std::string(tree_.text(id)->substr(0, max_bytes_)) + "'"; break;
      case Kind::bytes: text_ += std::to_string(tree_.bytes(id)->size()) + " bytes"; break;
      case Kind::long_integer: text_ += "an integer of " + std::to_string(tree_.bytes(id)->size()) + " bytes"; break;
      case Kind::tuple: list("(", tree_.items(id), ")", depth, tree_.items(id).size() == 1); break;
      case Kind::list: list("[", tree_.items(id), "]", depth); break;
      case Kind::set: list("{", tree_.items(id), "}", depth); break;
      case Kind::dict: pairs("{", tree_.items(id), "}", depth); break;
      case Kind::global: text_ += tree_.global(id)->dotted(); break;
      case Kind::persistent: text_ += "<storage>"; break;
      case Kind::call: call(*tree_.call(id), id, depth); break;
    }
  }

  void real(double value) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text_.append(digits.data(), end);
    if (value == std::floor(value) && text_.find_first_of(".e", text_.size() - static_cast<std::size_t>(end - digits.data())) ==
                                          std::string::npos)
      text_ += ".0";
  }

  void list(const char* open, std::span<const Id> items, const char* close, int depth, bool has_comma = false) {
    text_ += open;
    for (std::size_t i = 0; i < items.size() && !is_full(); ++i) {
      text_ += i == 0 ? "" : ", ";
      print(items[i], depth + 1);
    }
    text_ += has_comma ? "," : "";
    text_ += close;
  }

  void pairs(const char* open, std::span<const Id> items, const char* close, int depth) {
    text_ += open;
    for (std::size_t i = 0; i + 1 < items.size() && !is_full(); i += 2) {
      text_ += i == 0 ? "" : ", ";
      print(items[i], depth + 1);
      text_ += ": ";
      print(items[i + 1], depth + 1);
    }
    text_ += close;
  }

  void call(const pickle::Call& made, Id id, int depth) {
    print(made.callee, depth + 1);
    list("(", tree_.items(made.arguments), ")", depth);
    if (!tree_.set_items(id).empty())
      pairs("{", tree_.set_items(id), "}", depth);
    if (!tree_.items(id).empty())
      list("[", tree_.items(id), "]", depth);
    if (made.state != pickle::no_id) {
      text_ += " with ";
      print(made.state, depth + 1);
    }
  }

  const Tree& tree_;
  std::size_t max_bytes_;
  std::string text_;
};

void add_tensors(const torch::Saved& saved, const std::string& name, Values& values) {
  torch::WalkOptions options;
  options.optimizer_state = true;
  options.root_name = name;
  options.prefix = name + ".";
  const auto listing = torch::walk(saved.tree, options);
  if (!listing) {
    values.warnings.push_back("value \"" + name + "\": " + listing.error().message);
    return;
  }
  for (const torch::Found& found : listing->tensors)
    values.left_out.push_back({found.name, {}, {}, "it is inside of \"" + name + "\", a value that is no tensor"});
}

}  // namespace

std::string text_of(const Tree& tree, Id id, std::size_t max_bytes) { return Printer(tree, max_bytes).run(id); }

void read_value(const Files& files, const Metadata& metadata, const ValueEntry& entry, Values& values,
                std::vector<Finding>& findings) {
  const Item& item = *entry.item;
  const std::string& file = metadata.files[item.file];
  pickle::Limits limits;
  limits.bytes = max_value_bytes;
  const auto saved = torch::open_saved(files, file, {item.offset, item.size}, limits);
  if (!saved) {
    const std::uint64_t position = saved.error().position == no_position ? item.offset : saved.error().position;
    values.warnings.push_back("value \"" + entry.name + "\" is left out: byte " + std::to_string(position) + " of \"" + file +
                              "\": " + saved.error().message);
    return;
  }
  if (findings.size() < pickle::max_findings)
    for (Finding& finding : pickle::find_suspects(saved->tree, file))
      findings.push_back(std::move(finding));
  const Id root = saved->tree.root();
  if (auto attr = torch::value_of(saved->tree, root, entry.name)) {
    values.attrs.push_back(std::move(*attr));
    return;
  }
  values.attrs.push_back(Attr::text(entry.name, text_of(saved->tree, root, max_text_bytes)));
  if (saved->storages.size() != 0)
    add_tensors(*saved, entry.name, values);
}

}  // namespace heirloom::torch_dcp
