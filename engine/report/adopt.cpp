#include "engine/base/text.hpp"
#include "engine/report/values.hpp"
#include "engine/report/verify.hpp"

#include <fmt/format.h>

namespace heirloom::report {
namespace {

std::string match_text(const record::Adoption& adoption) {
  if (adoption.has_same_tensors)
    return "these are the weights that it made, byte for byte";
  return "these weights have other bytes than it made, and the same numbers (" + adoption.matched_by + ")";
}

}  // namespace

std::string adopt_text(const Adopted& adopted) {
  std::string text = fmt::format("{}: found in {}\n{}\n", base::printable(adopted.path), base::printable(adopted.adoption.event),
                                 match_text(adopted.adoption));
  if (adopted.adoption.lost_keys != 0)
    text += fmt::format("{} that it wrote {} not there any more; the ledger says which\n", counted(adopted.adoption.lost_keys, "key"),
                        adopted.adoption.lost_keys == 1 ? "is" : "are");
  text += "written:";
  for (const std::string& name : adopted.written)
    text += " " + base::printable(name);
  return text + "\n";
}

std::string adopt_json(const Adopted& adopted) {
  return dump({{"path", adopted.path},
               {"event", adopted.adoption.event},
               {"matched_by", adopted.adoption.matched_by},
               {"is_new_event", adopted.adoption.ledger.has_value()},
               {"lost_keys", adopted.adoption.lost_keys},
               {"written", adopted.written}});
}

}  // namespace heirloom::report
