#include "engine/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace kernels = heirloom::kernels;

TEST_CASE("the scalar row is always supported and comes first") {
  REQUIRE_FALSE(kernels::supported().empty());
  CHECK(kernels::supported().front() == &kernels::scalar_kernels);
  CHECK(kernels::find_row("scalar") == &kernels::scalar_kernels);
}

TEST_CASE("no row has an unknown name") {
  CHECK(kernels::find_row("") == nullptr);
  CHECK(kernels::find_row("SCALAR") == nullptr);
}

TEST_CASE("HEIRLOOM_ISA forces the row of its name, and none where it is absent") {
  const char* forced = std::getenv("HEIRLOOM_ISA");
  const std::string name = forced == nullptr ? "" : forced;
  if (name.empty()) {
    CHECK(kernels::chosen() == kernels::supported().back());
    return;
  }
  const kernels::Kernels* expected = nullptr;
  for (const kernels::Kernels* row : kernels::supported())
    if (row->name == name)
      expected = row;
  CHECK(kernels::chosen() == expected);
  CHECK((name == "nonsense") <= (kernels::chosen() == nullptr));
  CHECK((name == "scalar") <= (kernels::chosen() == &kernels::scalar_kernels));
}
