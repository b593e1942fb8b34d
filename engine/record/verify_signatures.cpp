// The signatures of the events against the user's trust file.
#include "engine/record/verify_parts.hpp"

namespace heirloom::record {

Result<void> check_signatures(Check& check) {
  if (check.options.trust == nullptr)
    check.against(Level::is_signed, "no trust file was given (--trust FILE)");
  return {};
}

}  // namespace heirloom::record
