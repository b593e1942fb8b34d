// Any bytes as a legacy importance matrix: refused at a byte of the file, or every value is one that an encoder takes, and
// there are no more of them than the file has room for.
#include "engine/plan/importance.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom;
  const auto matrix = plan::parse_legacy_importance({data, size});
  if (!matrix) {
    if (matrix.error().position > size || matrix.error().message.empty())
      std::abort();
    return 0;
  }
  std::size_t values = 0;
  for (const auto& [name, entry] : matrix->entries) {
    if (name.empty() || entry.empty())
      std::abort();
    for (const float value : entry)
      if (!std::isfinite(value) || value < 0)
        std::abort();
    values += entry.size();
  }
  if (matrix->entries.empty() || sizeof(float) * values > size)
    std::abort();
  std::vector<Attr> attrs;
  plan::append_importance_keys(*matrix, attrs);
  return 0;
}
