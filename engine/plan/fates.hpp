// What becomes of the parts of files that are taken apart: one disposition for each, none forgotten. Pure functions.
#pragma once

#include "engine/card/card.hpp"
#include "engine/model/json.hpp"
#include "engine/plan/plan.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::plan {

// Fates of an object's members, by dotted path. The nearest one counts: a member has what is said of the object that holds
// it, and what nothing is said of has `rest`. The items of these dispositions are empty.
struct Fates {
  std::map<std::string, Disposition, std::less<>> known;
  Disposition rest;
  std::function<std::string(const std::string& path)> translate = {};  // from the file's paths to those of `known`
  bool is_by_leaf = false;                 // every leaf for itself; else objects are taken apart where something inside is known
};

// A disposition for each member of `json`, which is the file's. A `known` path that the file does not have is told as a loss of
// the nearest object that it has. False when there is no member.
bool note_members(const std::string& file, const model::Json& json, Fates fates, std::vector<Disposition>& out);

// Where the whole of the card is in the output: Fate::carried in a key, Fate::beside in a file, or dropped with a reason.
void note_card(const std::string& readme, const card::GeneralKeys& keys, const Disposition& whole, std::vector<Disposition>& out);

}  // namespace heirloom::plan
