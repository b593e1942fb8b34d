#include "engine/plan/fates.hpp"

#include "engine/plan/inventory.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

using model::Json;

std::string holder_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? "" : path.substr(0, dot);
}

class Noting {
 public:
  Noting(const Fates& fates, std::vector<Disposition>& out) : fates_(fates), out_(out) {}

  void note(const Json& json, const std::string& item, const std::string& path) {  // NOLINT(misc-no-recursion): depth is limited
    const auto* members = json.object();
    const bool is_apart = members != nullptr && !members->empty() && (fates_.is_by_leaf || path.empty() || has_below(path));
    if (!is_apart) {
      Disposition disposition = fate_of(path);
      disposition.item = item;
      out_.push_back(std::move(disposition));
      return;
    }
    for (const auto& [key, value] : *members)
      note(value, item_below(item, key), path.empty() ? key : path + "." + key);
  }

 private:
  bool has_below(const std::string& path) const {
    const auto found = fates_.known.lower_bound(path + ".");
    return found != fates_.known.end() && found->first.starts_with(path + ".");
  }

  const Disposition& fate_of(const std::string& path) const {
    for (std::string at = fates_.translate ? fates_.translate(path) : path; !at.empty(); at = holder_of(at))
      if (const auto found = fates_.known.find(at); found != fates_.known.end())
        return found->second;
    return fates_.rest;
  }

  const Fates& fates_;
  std::vector<Disposition>& out_;
};

void add_loss(Disposition& disposition, const std::string& what) {
  disposition.loss += (disposition.loss.empty() ? "" : "; ") + what;
}

// What is said of a part that the file does not have becomes a loss of what holds it.
void lift_absent(const Json& json, Fates& fates) {
  std::vector<std::pair<std::string, Disposition>> absent;
  for (const auto& [path, disposition] : fates.known)
    if (json.at(path) == nullptr && json.find(path) == nullptr)
      absent.emplace_back(path, disposition);
  for (auto& [path, disposition] : absent) {
    fates.known.erase(path);
    std::string holder = holder_of(path);
    while (!holder.empty() && json.at(holder) == nullptr)
      holder = holder_of(holder);
    if (!holder.empty())
      add_loss(fates.known.try_emplace(holder, fates.rest).first->second, path.substr(holder.size() + 1) + ": " + disposition.reason);
  }
}

}  // namespace

bool note_members(const std::string& file, const Json& json, Fates fates, std::vector<Disposition>& out) {
  if (json.object() == nullptr || json.object()->empty())
    return false;
  if (!fates.translate)
    lift_absent(json, fates);
  Noting(fates, out).note(json, file, "");
  return true;
}

void note_card(const std::string& readme, const card::GeneralKeys& keys, const Disposition& whole, std::vector<Disposition>& out) {
  const std::string prefix = std::string(card_name) + ":";
  const auto copy_of = [&](std::string item) {
    Disposition disposition = whole;
    disposition.item = std::move(item);
    return disposition;
  };
  const card::CardParts parts = card::parts_of(readme);
  for (const auto& [key, text] : parts.keys) {
    Disposition disposition = copy_of(item_below(card_name, key));
    for (const auto& [item, target] : keys.used)
      if (item == prefix + key) {
        disposition.reason.clear();
        disposition.target = (disposition.fate == Fate::mapped ? disposition.target + ", " : "") + target;
        disposition.fate = Fate::mapped;
      }
    if (disposition.fate == Fate::mapped)
      for (const auto& [item, reason] : keys.dropped)
        if (item.starts_with(prefix + key + "."))
          add_loss(disposition, item.substr(prefix.size() + key.size() + 1) + ": " + reason);
    out.push_back(std::move(disposition));
  }
  if (!parts.unread.empty())
    out.push_back(copy_of(std::string(card_front_matter)));
  out.push_back(copy_of(std::string(card_body)));
}

}  // namespace heirloom::plan
