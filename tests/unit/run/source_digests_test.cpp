// Digests of the source's tensors, made on the way.
#include "engine/arch/arrangement.hpp"
#include "tests/unit/run/support.hpp"

#include <doctest/doctest.h>

namespace heirloom::test {
namespace {

base::Digest digest_of(const std::string& bytes) {
  return base::sha256({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// All digests are those of the bytes, whatever threads and memory there are.
void check_digests(const Fixture& fixture, const plan::Plan& plan, const std::vector<std::string>& bytes) {
  for (const std::size_t threads : {1u, 2u, 8u})
    for (const std::uint64_t memory : {run::min_memory_bytes, run::default_memory_bytes}) {
      const model::Source source = fixture.reopen();
      run::ExecuteOptions options;
      options.threads = threads;
      options.memory_bytes = memory;
      options.force = true;
      options.digests_sources = true;
      const auto outcome = fixture.execute(plan, source, options);
      REQUIRE(outcome.has_value());
      REQUIRE(outcome->sources.size() == bytes.size());
      for (std::size_t i = 0; i < bytes.size(); ++i)
        CHECK(outcome->sources[i] == digest_of(bytes[i]));
    }
}

}  // namespace

TEST_CASE("digests of the source are those of its bytes, whether they are copied, encoded or put in another order") {
  struct Way {
    const char* name;
    std::string encoding;
    std::function<arch::Arrangement(const arch::Arrangement&)> made;
  };
  const Way ways[] = {{"copied", "", {}},
                      {"encoded", "q8_0", {}},
                      {"rows of heads in another order", "", rope_heads(4)},
                      {"the same, encoded", "q8_0", rope_heads(4)},
                      {"turned", "", [](const arch::Arrangement& of) {
                         const std::size_t dims[] = {1, 0};
                         return arch::permute(of, dims).value();
                       }},
                      {"numbers changed", "", [](arch::Arrangement of) {
                         of.values.push_back({arch::ValueKind::add, 1});
                         return of;
                       }}};
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Fixture fixture;
    const std::vector<std::string> bytes{random_floats(2048 * 1024, 1), random_floats(64 * 64, 2)};
    fixture.add("large", "f32", {2048, 1024}, bytes[0]);
    fixture.add("small", "f32", {64, 64}, bytes[1]);
    (void)fixture.open();
    check_digests(fixture, fixture.plan(way.encoding, way.made), bytes);
  }
}

TEST_CASE("a source of several outputs, several sources of one, and one without any are digested once each") {
  Fixture fixture;
  const std::vector<std::string> bytes{random_floats(1024 * 512, 3), random_floats(512 * 512, 4), random_floats(100, 5)};
  fixture.add("fused", "f32", {1024, 512}, bytes[0]);
  fixture.add("other", "f32", {512, 512}, bytes[1]);
  fixture.add("unused", "f32", {100}, bytes[2]);
  (void)fixture.open();
  plan::Plan plan = fixture.plan("");
  const arch::Arrangement fused = arch::whole(0, {1024, 512});
  const arch::Arrangement stacked[] = {arch::slice(fused, 0, 512, 1024).value(), arch::whole(1, {512, 512})};
  plan.tensors.resize(2);
  plan.tensors[0].arrangement = arch::slice(fused, 0, 0, 512).value();
  plan.tensors[0].action = plan::Action::convert;
  plan.tensors[1].arrangement = arch::concat(stacked, 0).value();
  plan.tensors[1].action = plan::Action::convert;
  for (plan::PlanTensor& tensor : plan.tensors)
    tensor.shape = tensor.arrangement.shape;
  plan.layout.placements = {{0, 0, 0, 512 * 512 * 4}, {1, 0, 512 * 512 * 4, 1024 * 512 * 4}};
  plan.layout.files = {{"out.raw", 3 * 512 * 512 * 4}};
  check_digests(fixture, plan, bytes);
}

TEST_CASE("a source that is cut in another order than the outputs' is digested all the same") {
  Fixture fixture;
  const std::vector<std::string> bytes{random_floats(1024 * 512, 6)};
  fixture.add("fused", "f32", {1024, 512}, bytes[0]);
  (void)fixture.open();
  plan::Plan plan = fixture.plan("");
  const arch::Arrangement fused = arch::whole(0, {1024, 512});
  plan.tensors.push_back(plan.tensors[0]);
  plan.tensors[0].arrangement = arch::slice(fused, 0, 512, 1024).value();
  plan.tensors[1].arrangement = arch::slice(fused, 0, 0, 512).value();
  for (plan::PlanTensor& tensor : plan.tensors) {
    tensor.action = plan::Action::convert;
    tensor.shape = tensor.arrangement.shape;
  }
  plan.layout.placements = {{0, 0, 0, 512 * 512 * 4}, {1, 0, 512 * 512 * 4, 512 * 512 * 4}};
  check_digests(fixture, plan, bytes);
}

}  // namespace heirloom::test
