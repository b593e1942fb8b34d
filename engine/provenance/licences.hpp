// Licences: the table of those that models have (formats/licences), what SPDX calls them, what has to travel with the weights,
// and how their texts are known. No judgement of what a licence allows. Constant data and pure functions, any thread.
#pragma once

#include "engine/base/digest.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

enum class Travels : std::uint8_t { text, copyright, notice, attribution, changes, policy, terms, source };
std::string_view travels_name(Travels what);
// "the licence's text", in words.
std::string_view travels_words(Travels what);

struct Phrases {
  std::vector<std::string> all, none;
};

struct Licence {
  std::string id;                     // of the hub, or ""
  std::vector<std::string> names;     // in license_name, lower case
  std::string spdx;
  std::string title;
  bool is_family = false;             // does not say which licence
  std::vector<Travels> travels;
  std::string attribution;            // a line that has to be shown
  std::string notice;                 // a line of a NOTICE file
  std::string name_begins;
  std::string policy, link;
  std::vector<std::string> sha256;    // of files that are its text
  std::vector<Phrases> phrases;
};

// The error, which a test excludes, says what is wrong with the table.
const Result<std::vector<Licence>>& built_in_licences();

// By the hub's id, a name, or the SPDX identifier, in any case; null when none is meant.
const Licence* find_licence(std::string_view said);

// What a card or a container says, as an SPDX expression, always a valid one: its own where it is one; what the table says; a
// list, joined by commas, as AND; else a LicenseRef made of the text. `name` is license_name, which says what "other" is.
std::string spdx_of(std::string_view said, std::string_view name = {});
bool is_spdx_expression(std::string_view text);
// The licences of the table that an expression names.
std::vector<const Licence*> licences_in(std::string_view expression);

// The licences whose text this is, by its digest or its phrases; several where a file holds several.
std::vector<const Licence*> recognised(std::span<const std::uint8_t> text);

// Whether two expressions can be meant for the same thing: equal, or one is of a family or unknown, or they differ in
// "-only" and "-or-later".
bool may_agree(std::string_view a, std::string_view b);

}  // namespace heirloom::provenance
