#include "engine/run/compare.hpp"

#include "tests/unit/run/support.hpp"

using namespace heirloom;
using namespace heirloom::test;
using run::Verdict;

namespace {

std::vector<plan::PlanTensor> tensors_of(const model::Source& source) {
  std::vector<plan::PlanTensor> tensors;
  for (std::uint32_t i = 0; i < source.checkpoint.tensors.size(); ++i) {
    const Tensor& tensor = source.checkpoint.tensors[i];
    tensors.push_back({tensor.name, tensor.encoding, tensor.shape, plan::Action::copy, arch::whole(i, tensor.shape)});
  }
  return tensors;
}

// The source, with every tensor converted to `encoding`, opened again.
model::Source converted(Fixture& fixture, const model::Source& source, const std::string& encoding) {
  const auto plan = fixture.plan(encoding);
  REQUIRE(fixture.execute(plan, source, {2, run::default_memory_bytes, false, true}));
  model::Source made;
  made.files = base::FileSet::open(fixture.directory() / "out.raw").value();
  made.checkpoint = {"raw"};
  made.checkpoint.files = plan.layout.files;
  made.checkpoint.encodings = plan.target.encodings;
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const Placement& place = plan.layout.placements[i];
    made.checkpoint.tensors.push_back(
        {plan.tensors[i].name, plan.tensors[i].encoding, plan.tensors[i].shape, {{0, place.offset, place.size}}});
  }
  return made;
}

std::vector<run::TensorComparison> compare(const model::Source& a, const model::Source& b) {
  const auto result = run::compare(a, tensors_of(a), b, {2, 1u << 26}, {});
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("a copy is identical, a wider encoding has the same values, a lossy one is a re-encoding with its error") {
  Fixture fixture;
  std::string halves = random_floats(64 * 64, 1);
  for (std::size_t i = 0; i < halves.size(); i += 4)
    halves[i] = halves[i + 1] = 0;  // f32 values that bf16 holds
  fixture.add("a", "f32", {64, 64}, halves);
  const model::Source source = fixture.open();
  CHECK(compare(source, converted(fixture, source, ""))[0].verdict == Verdict::identical);
  CHECK(compare(source, converted(fixture, source, "bf16"))[0].verdict == Verdict::same_values);
  const auto lossy = compare(source, converted(fixture, source, "q4_0"))[0];
  CHECK(lossy.verdict == Verdict::different);
  CHECK(lossy.is_reencoding);
  CHECK(lossy.max_error > 0);
  CHECK(lossy.rms_error > 0);
  CHECK(lossy.rms_error < 0.2 * lossy.rms_first);
}

TEST_CASE("one changed value is found, counted and measured") {
  Fixture fixture;
  fixture.add("a", "f32", {1000, 600}, random_floats(600000, 2));
  const model::Source source = fixture.open();
  const model::Source copy = converted(fixture, source, "");
  std::string bytes = read_file(fixture.directory() / "out.raw");
  float value = 0;
  std::memcpy(&value, bytes.data() + 4 * 599999, 4);
  value += 0.5f;
  std::memcpy(bytes.data() + 4 * 599999, &value, 4);
  write_file(fixture.directory() / "out.raw", bytes);
  const auto result = compare(source, copy)[0];
  CHECK(result.verdict == Verdict::different);
  CHECK(result.differing == 1);
  CHECK(result.max_error == doctest::Approx(0.5).epsilon(1e-5));
  CHECK_FALSE(result.is_reencoding);
}

TEST_CASE("missing, added and reshaped tensors are named") {
  Fixture first, second;
  first.add("both", "f32", {4}, std::string(16, '\1'));
  first.add("first", "f32", {4}, std::string(16, '\1'));
  first.add("shape", "f32", {4}, std::string(16, '\1'));
  second.add("both", "f32", {4}, std::string(16, '\1'));
  second.add("second", "f32", {4}, std::string(16, '\1'));
  second.add("shape", "f32", {2, 2}, std::string(16, '\1'));
  const auto result = compare(first.open(), second.open());
  REQUIRE(result.size() == 4);
  CHECK(result[0].verdict == Verdict::identical);
  CHECK(result[1].verdict == Verdict::only_second);
  CHECK(result[2].verdict == Verdict::other_shape);
  CHECK(result[3].verdict == Verdict::only_first);
  CHECK(result[3].name == "first");
}

TEST_CASE("encodings that cannot be decoded are equal by their bytes or not comparable") {
  Fixture first, second;
  first.add("a", "q8_k", {256}, std::string(292, '\1'));
  second.add("a", "q8_k", {256}, std::string(292, '\2'));
  const model::Source a = first.open();
  CHECK(compare(a, a)[0].verdict == Verdict::identical);
  CHECK(compare(a, second.open())[0].verdict == Verdict::not_comparable);
}

TEST_CASE("integers of 64 bits are compared exactly, across signs too") {
  const auto bytes_of_values = [](const std::vector<std::uint64_t>& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  };
  Fixture first, second, natural;
  first.add("a", "i64", {3}, bytes_of_values({1ull << 60, 5, UINT64_MAX}));
  second.add("a", "i64", {3}, bytes_of_values({(1ull << 60) + 1, 5, UINT64_MAX}));
  natural.add("a", "u64", {3}, bytes_of_values({1ull << 60, 5, UINT64_MAX}));
  const auto near = compare(first.open(), second.open())[0];
  CHECK(near.verdict == Verdict::different);
  CHECK(near.differing == 1);
  CHECK(near.max_error == 1);
  const auto sign = compare(first.open(), natural.open())[0];
  CHECK(sign.differing == 1);  // -1 against 2^64 - 1
  CHECK(sign.max_error == 18446744073709551616.0);
}

TEST_CASE("of several tensors that cannot be read the first is named, whatever the threads") {
  Fixture fixture;
  for (char name = 'a'; name < 'i'; ++name)
    fixture.add(std::string(1, name), "f32", {1000}, random_floats(1000, 1));
  const model::Source source = fixture.open();
  std::filesystem::resize_file(fixture.directory() / "in.raw", 6000);
  for (const std::size_t threads : {1u, 4u}) {
    const auto result = run::compare(source, tensors_of(source), source, {threads, 1u << 26}, {});
    REQUIRE_FALSE(result);
    CHECK(result.error().tensor == "b");
  }
}

TEST_CASE("less memory than the minimum is misuse for a comparison as for a conversion") {
  Fixture fixture;
  fixture.add("a", "f32", {1}, std::string(4, '\0'));
  const model::Source source = fixture.open();
  const auto result = run::compare(source, tensors_of(source), source, {1, run::min_memory_bytes - 1}, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Code::misuse);
}
