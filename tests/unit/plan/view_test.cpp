#include "engine/plan/view.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using namespace heirloom::test;
using arch::Arrangement;

namespace {

Checkpoint checkpoint() {
  Checkpoint made{"raw"};
  made.encodings = {{"f32", 1, 4}, {"f16", 1, 2}, {"bf16", 1, 2}, {"q8_0", 32, 34}, {"i64", 1, 8}, {"odd", 7, 3}};
  for (const char* encoding : {"f32", "f16", "bf16", "q8_0", "i64", "odd"})
    made.tensors.push_back({encoding, encoding, {14, 64}});
  return made;
}

Arrangement transposed(std::uint32_t source) {
  return arch::permute(arch::whole(source, {14, 64}), std::vector<std::size_t>{1, 0}).value();
}

Arrangement both(std::uint32_t a, std::uint32_t b) {
  const Arrangement parts[] = {arch::whole(a, {14, 64}), arch::whole(b, {14, 64})};
  return arch::concat(parts, 0).value();
}

Arrangement plus_one(std::uint32_t source) {
  Arrangement made = arch::whole(source, {14, 64});
  made.values = {{arch::ValueKind::add, 1}};
  return made;
}

}  // namespace

TEST_CASE("gathered bytes keep the encoding of their sources while it is one and its blocks stay whole, else they are f32") {
  const Checkpoint source = checkpoint();
  const auto encoding = [&](const Arrangement& made) {
    const auto id = plan::source_encoding(source, made);
    return id ? *id : "refused: " + id.error().tensor;
  };
  for (std::uint32_t i = 0; i < source.tensors.size(); ++i)
    CHECK(encoding(arch::whole(i, {14, 64})) == source.tensors[i].encoding);
  CHECK(encoding(transposed(1)) == "f16");
  CHECK(encoding(transposed(3)) == "f32");
  CHECK(encoding(transposed(4)) == "i64");
  CHECK(encoding(transposed(5)) == "refused: odd");
  CHECK(encoding(both(1, 1)) == "f16");
  CHECK(encoding(both(3, 3)) == "q8_0");
  CHECK(encoding(both(1, 2)) == "f32");
  CHECK(encoding(both(0, 3)) == "f32");
  CHECK(encoding(both(0, 4)) == "refused: i64");
  CHECK(encoding(both(5, 0)) == "refused: odd");
  CHECK(encoding(plus_one(2)) == "f32");
  CHECK(encoding(plus_one(4)) == "refused: i64");
  CHECK(encoding(arch::zeros({3})) == "f32");
}

TEST_CASE("the identity's view is the source, tensor by tensor") {
  model::Source source;
  source.checkpoint = checkpoint();
  const plan::View view = plan::identity_view(source, {});
  CHECK(view.layout.empty());
  CHECK(view.checkpoint.tensors == source.checkpoint.tensors);
  REQUIRE(view.arrangements.size() == source.checkpoint.tensors.size());
  for (std::uint32_t i = 0; i < view.arrangements.size(); ++i)
    CHECK(view.arrangements[i] == arch::whole(i, source.checkpoint.tensors[i].shape));
}

TEST_CASE("files that a view has made come before those of the source") {
  TempDirectory directory;
  write_file(directory / "a.json", "theirs");
  write_file(directory / "b.json", "theirs");
  model::Source source;
  source.files = base::FileSet::open(directory.path()).value();
  plan::Package package;
  package.made = {{"a.json", {'o', 'u', 'r', 's'}}};
  const auto text = [&](const char* name) {
    const auto bytes = plan::read_optional(source, package, name, 100).value();
    return bytes ? std::string(bytes->begin(), bytes->end()) : "nothing";
  };
  CHECK(text("a.json") == "ours");
  CHECK(text("b.json") == "theirs");
  CHECK(text("c.json") == "nothing");
}
