#include "engine/plan/inventory.hpp"

#include "engine/base/text.hpp"
#include "engine/card/card.hpp"
#include "engine/plan/package.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace heirloom::plan {
namespace {

using model::Json;

// Entries of the directory, of any kind: sub-directories end in "/".
std::vector<std::string> entries_of(const model::Source& source) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(source.files->root(), error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code unknown;
    names.push_back(it->path().filename().string() + (it->is_directory(unknown) ? "/" : ""));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_read(const model::Source& source, const std::string& name) {
  const auto& files = source.checkpoint.files;
  return std::any_of(files.begin(), files.end(), [&](const File& file) {
    return name.ends_with('/') ? file.name.starts_with(name) : file.name == name;
  });
}

class Inventory {
 public:
  Inventory(const model::Source& source, const Plan& plan, const Visit& visit) : source_(source), plan_(plan), visit_(visit) {}

  Result<void> take() {
    HEIRLOOM_CHECK(list_dispositions());
    for (const Attr& attr : source_.checkpoint.attrs)
      HEIRLOOM_CHECK(account(item_of(source_, attr), {.attr = &attr}));
    HEIRLOOM_CHECK(take_tensors());
    for (const std::string& name : entries_of(source_))
      if (belongs_to(source_, name) && !is_read(source_, name) && !is_new(name))
        HEIRLOOM_CHECK(take_file(name));
    if (rest_.contains(encodings_item))
      HEIRLOOM_CHECK(account(std::string(encodings_item), {}));
    if (!rest_.empty() && !visit_)
      return fail(Code::internal, "the ledger speaks of " + base::quoted(rest_.begin()->first) + ", which the source does not have");
    return {};
  }

 private:
  Result<void> list_dispositions() {
    for (const Disposition& disposition : plan_.dispositions)
      if (!rest_.emplace(disposition.item, &disposition).second)
        return fail(Code::internal, "the ledger says twice what becomes of " + base::quoted(disposition.item));
    return {};
  }

  Result<void> account(const std::string& item, const Item& what) {
    const auto found = rest_.find(item);
    if (found == rest_.end())
      return fail(Code::internal, "the ledger does not say what becomes of " + base::quoted(item));
    if (visit_)
      HEIRLOOM_CHECK(visit_(*found->second, what));
    rest_.erase(found);
    return {};
  }

  // While an output is written the directory may change.
  bool is_new(const std::string& name) const { return visit_ && !rest_.contains("file:" + name) && !has_below(name + ":"); }

  bool has_below(const std::string& prefix) const {
    const auto found = rest_.lower_bound(prefix);
    return found != rest_.end() && found->first.starts_with(prefix);
  }

  Result<void> take_tensors() {
    std::vector<bool> is_used(source_.checkpoint.tensors.size());
    for (const PlanTensor& tensor : plan_.tensors)
      for (const std::uint32_t index : tensor.arrangement.sources)
        is_used[index] = true;
    std::set<std::string> names;
    for (const LeftOut& left : source_.checkpoint.left_out)
      names.insert(left.name);
    for (std::size_t i = 0; i < is_used.size(); ++i)
      if (!is_used[i])
        names.insert(source_.checkpoint.tensors[i].name);
    for (const std::string& name : names)
      HEIRLOOM_CHECK(account("tensor:" + name, {}));
    return {};
  }

  Result<void> take_file(const std::string& name) {
    const std::string whole = "file:" + name;
    const bool is_apart = has_below(name + ":");
    if (rest_.contains(whole) || !is_apart)
      HEIRLOOM_CHECK(account(whole, {.file = name}));
    if (!is_apart)
      return {};
    HEIRLOOM_TRY(const auto bytes, source_.files->read_all(name, model::max_json_bytes));
    if (name == card_name)
      return take_card({bytes.begin(), bytes.end()});
    auto json = model::parse_json(bytes);
    if (!json)
      return fail(std::move(json).error().in_file(source_.files->display(name)));
    return take_members(name, *json, ":");
  }

  Result<void> take_members(const std::string& item, const Json& json, const char* between) {  // NOLINT(misc-no-recursion)
    const auto* members = json.object();
    if (members == nullptr || members->empty() || !has_below(item + between))
      return account(item, {.json = &json});
    for (const auto& [key, value] : *members) {
      const std::string below = item_below(item, key);
      if (rest_.contains(below))
        HEIRLOOM_CHECK(account(below, {.json = &value}));
      else
        HEIRLOOM_CHECK(take_members(below, value, "."));
    }
    return {};
  }

  Result<void> take_card(const std::string& readme) {
    const card::CardParts parts = card::parts_of(readme);
    for (const auto& [key, text] : parts.keys)
      HEIRLOOM_CHECK(account(item_below(card_name, key), {.text = text}));
    if (!parts.unread.empty())
      HEIRLOOM_CHECK(account(std::string(card_front_matter), {.text = parts.unread}));
    return account(std::string(card_body), {.text = parts.body});
  }

  const model::Source& source_;
  const Plan& plan_;
  const Visit& visit_;
  std::map<std::string, const Disposition*, std::less<>> rest_;  // that no item has been found for
};

}  // namespace

std::string item_below(std::string_view item, std::string_view key) {
  std::string made(item);
  made += item.find(':') == item.npos ? ':' : '.';
  const bool is_clear = !key.empty() && key.find_first_of(".\"") == key.npos && made + std::string(key) != card_body &&
                        made + std::string(key) != card_front_matter;
  return made + (is_clear ? std::string(key) : Json(std::string(key)).dump());
}

std::string item_of(const model::Source& source, const Attr& attr) {
  return (source.checkpoint.format == "gguf" ? "key:" : "metadata:") + attr.key;
}

Result<void> take_inventory(const model::Source& source, const Plan& plan, const Visit& visit) {
  return Inventory(source, plan, visit).take();
}

}  // namespace heirloom::plan
