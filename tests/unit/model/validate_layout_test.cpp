#include "engine/model/model.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace model = heirloom::model;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Layout;

namespace {

Checkpoint wanted() {
  Checkpoint c{"toy", "1"};
  c.encodings = {{"f32", 1, 4}};
  c.tensors = {{"one", "f32", {4}}, {"two", "f32", {2}}, {"none", "f32", {0}}};
  return c;
}

Layout example() {
  Layout layout;
  layout.files = {{"a", 30}, {"b", 8}};
  layout.literals = {{0, 0, {1, 2, 3}}, {0, 29, {4}}};
  layout.placements = {{0, 0, 8, 16}, {1, 1, 0, 8}, {2, 0, 30, 0}};
  return layout;
}

}  // namespace

TEST_CASE("a layout that keeps the rules is valid") { CHECK(model::validate(example(), wanted())); }

TEST_CASE("a layout that breaks a rule is the writer's bug, with the reason") {
  constexpr std::uint64_t huge = UINT64_MAX;
  struct Row {
    const char* title;
    void (*spoil)(Layout&);
    const char* message;
    const char* tensor = "";
  };
  const std::array rows = {
      Row{"a file in a directory", [](Layout& l) { l.files[0].name = "d/a"; }, "directory part"},
      Row{"a file outside", [](Layout& l) { l.files[0].name = ".."; }, "\"..\" part"},
      Row{"a file twice", [](Layout& l) { l.files[1] = l.files[0]; }, "\"a\" is laid out twice"},
      Row{"too many files", [](Layout& l) { l.files.resize(model::max_files + 1); }, "100001 files exceed"},
      Row{"a tensor that is not there", [](Layout& l) { l.placements[0].tensor = 3; }, "tensor number 3 of 3"},
      Row{"a tensor twice", [](Layout& l) { l.placements[1] = l.placements[0]; }, "is placed twice", "one"},
      Row{"a tensor without place", [](Layout& l) { l.placements.pop_back(); }, "has no place", "none"},
      Row{"a wrong size", [](Layout& l) { l.placements[0].size = 15; }, "with 15 bytes, it has 16", "one"},
      Row{"a file number out of range", [](Layout& l) { l.placements[0].file = 2; }, "file number 2 of 2", "one"},
      Row{"past the end", [](Layout& l) { l.placements[1].offset = 1; }, "8 bytes extend past the end", "two"},
      Row{"past all numbers", [](Layout& l) { l.placements[1].offset = huge; }, "extend past the end", "two"},
      Row{"tensors that overlap",
          [](Layout& l) {
            l.placements[1] = {1, 0, 20, 8};
          },
          "tensor \"two\" overlaps tensor \"one\""},
      Row{"a tensor over the writer's bytes", [](Layout& l) { l.placements[0].offset = 2; },
          "tensor \"one\" overlaps bytes of the writer"},
      Row{"literals that overlap", [](Layout& l) { l.literals[1].offset = 2; },
          "bytes of the writer overlaps bytes of the writer"},
      Row{"a literal past the end", [](Layout& l) { l.literals[1].offset = 30; }, "1 bytes extend past the end"},
      Row{"a literal past all numbers", [](Layout& l) { l.literals[1].offset = huge; }, "extend past the end"},
      Row{"a literal in no file", [](Layout& l) { l.literals[1].file = 9; }, "file number 9 of 2"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.title);
    Layout layout = example();
    row.spoil(layout);
    const auto done = model::validate(layout, wanted());
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Code::internal);
    CHECK_MESSAGE(done.error().message.find(row.message) != std::string::npos, done.error().message);
    CHECK(done.error().tensor == row.tensor);
  }
}
