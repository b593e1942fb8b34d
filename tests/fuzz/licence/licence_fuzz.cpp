// Any text as what a card says, as a licence file, and as a name: the expression is always valid SPDX, whose identifiers make the
// same expression again, and nothing crashes.
#include "engine/provenance/legal_files.hpp"
#include "engine/provenance/licences.hpp"
#include "engine/provenance/spdx.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom::provenance;
  const std::string text(data, data + size);
  const std::size_t half = size / 2;
  for (const std::string& expression : {spdx_of(text), spdx_of("other", text), spdx_of(text.substr(0, half), text.substr(half))}) {
    if (!is_spdx_expression(expression) || spdx_of(expression) != expression)
      std::abort();
    licences_in(expression);
  }
  spdx_identifiers(text);
  recognised({data, size});
  legal_file(text);
  is_attribution(text);
  may_agree(text.substr(0, half), text.substr(half));
  return 0;
}
