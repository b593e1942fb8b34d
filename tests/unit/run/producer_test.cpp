#include "engine/run/producer.hpp"

#include "tests/unit/run/support.hpp"

using namespace heirloom;
using namespace heirloom::test;

namespace {

// The whole output of a plan's tensor 0, made in pieces of `piece` elements.
std::string produced(const plan::Plan& plan, const model::Source& source, std::uint64_t piece) {
  const auto producer = run::Producer::create(source, plan.tensors[0], plan.target.encodings[0], kernels::scalar_kernels);
  REQUIRE(producer);
  run::Buffers buffers;
  std::string all;
  for (std::uint64_t at = 0; at < producer->elements(); at += piece) {
    const auto bytes = producer->produce(at, std::min(piece, producer->elements() - at), buffers);
    REQUIRE(bytes);
    all.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }
  return all;
}

}  // namespace

TEST_CASE("rope_permute interleaves the halves of each head, in pieces of any size") {
  Fixture fixture;
  std::string rows;
  for (char row = 0; row < 16; ++row)
    rows += std::string(4, row);  // 16 rows of two 16-bit elements
  fixture.add("q", "i16", {16, 2}, rows);
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("", rope_heads(2));
  std::string expected;
  for (const int row : {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15})
    expected += std::string(4, static_cast<char>(row));
  for (const std::uint64_t piece : {1u, 2u, 3u, 5u, 16u, 32u})
    CHECK(produced(plan, source, piece) == expected);
}

TEST_CASE("rope_unpermute undoes rope_permute, for matrices and for vectors") {
  for (const std::uint64_t count : {1u, 2u, 4u, 8u}) {
    for (const std::vector<std::uint64_t>& shape : {std::vector<std::uint64_t>{32, 6}, std::vector<std::uint64_t>{32}}) {
      Fixture fixture;
      const std::size_t elements = shape.size() == 1 ? 32 : 32 * 6;
      const std::string bytes = random_bytes(elements * 2, static_cast<std::uint32_t>(count));
      fixture.add("q", "bf16", shape, bytes);
      const model::Source source = fixture.open();
      const auto both = fixture.plan("", [&](const auto& of) { return arch::rope_unpermute(arch::rope_permute(of, count).value(), count).value(); });
      CHECK(produced(both, source, 8) == bytes);
      const auto once = fixture.plan("", rope_heads(count));
      CHECK((produced(once, source, 8) == bytes) == (32 / count == 2));
    }
  }
}

TEST_CASE("big-endian numbers come out little endian") {
  Fixture fixture;
  fixture.add("a", "f32", {2}, std::string("\x3f\x80\x00\x00\xc0\x00\x00\x00", 8));
  model::Source source = fixture.open();
  source.checkpoint.tensors[0].big_endian = true;
  auto plan = fixture.plan("");
  plan.tensors[0].action = plan::Action::convert;
  const float expected[] = {1.0f, -2.0f};
  CHECK(produced(plan, source, 2) == std::string(reinterpret_cast<const char*>(expected), 8));
}

TEST_CASE("what cannot be converted is refused with the tensor's name") {
  Fixture fixture;
  fixture.add("a", "q8_k", {256}, std::string(292, '\0'));
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("f32");
  const auto producer = run::Producer::create(source, plan.tensors[0], plan.target.encodings[0], kernels::scalar_kernels);
  REQUIRE_FALSE(producer);
  CHECK(producer.error().code == Code::unsupported);
  CHECK(producer.error().tensor == "a");
}

TEST_CASE("a rearranged tensor without elements has pieces of a whole block and nothing to produce") {
  Fixture fixture;
  fixture.add("q", "f32", {0, 64}, "");
  fixture.add("other", "f32", {1}, std::string(4, '\0'));
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("", [](const auto& of) { return of.elements() == 0 ? arch::rope_permute(of, 2).value() : of; });
  const auto producer = run::Producer::create(source, plan.tensors[0], plan.target.encodings[0], kernels::scalar_kernels);
  REQUIRE(producer);
  CHECK(producer->elements() == 0);
  CHECK(producer->piece_elements(1024) > 0);
}

TEST_CASE("buffers that serve tensors of different kinds stay within their limit together") {
  Fixture fixture;
  fixture.add("copied", "f32", {64, 64}, random_floats(4096, 1));
  fixture.add("converted", "f64", {64, 64}, std::string(8 * 4096, '\0'));
  const model::Source source = fixture.open();
  const auto copy = fixture.plan(""), cast = fixture.plan("f32"), moved = fixture.plan("", rope_heads(2));
  run::Buffers buffers;
  std::uint64_t largest = 0;
  std::vector<run::Producer> producers;
  for (const auto* plan : {&copy, &cast, &moved})
    for (const plan::PlanTensor& tensor : plan->tensors) {
      producers.push_back(run::Producer::create(source, tensor, *plan->target.find_encoding(tensor.encoding),
                                                kernels::scalar_kernels).value());
      largest = std::max(largest, producers.back().buffer_bytes(producers.back().elements()));
    }
  buffers.limit_bytes = largest;
  for (const run::Producer& producer : producers) {
    const auto bytes = producer.produce(0, producer.elements(), buffers);
    REQUIRE(bytes);
    CHECK(bytes->size() == producer.output_offset(producer.elements()));
    CHECK(buffers.raw.capacity() + buffers.wide.capacity() + buffers.gathered.capacity() + buffers.scratch.capacity() + buffers.out.capacity() <= largest);
  }
}
