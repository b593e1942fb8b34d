// Arrangements carried out: what the verbs say against what comes out, in pieces of any size and in little memory.
#include "engine/plan/view.hpp"
#include "engine/run/producer.hpp"

#include "tests/unit/run/support.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace heirloom;
using namespace heirloom::test;
using arch::Arrangement;

namespace {

// The bytes that the boxes name, one element at a time.
std::string moved(const Arrangement& made, const std::vector<std::string>& sources, std::size_t element_bytes) {
  std::string out(made.elements() * element_bytes, '\0');
  for (const arch::Box& box : made.boxes)
    for (std::uint64_t i = 0; i < box.elements() && box.source != arch::zero_source; ++i) {
      std::uint64_t rest = i, source = box.source_offset, output = box.output_offset;
      for (std::size_t k = box.strides.size(); k-- > 0; rest /= box.strides[k].count) {
        source += rest % box.strides[k].count * box.strides[k].source;
        output += rest % box.strides[k].count * box.strides[k].output;
      }
      out.replace(output * element_bytes, element_bytes, sources[box.source], source * element_bytes, element_bytes);
    }
  return out;
}

// The same of elements that are blocks of so many.
Arrangement of_blocks(Arrangement made, std::uint64_t block) {
  if (block == 1)
    return made;
  made.shape.push_back(block);
  for (arch::Box& box : made.boxes) {
    box.source_offset *= block;
    box.output_offset *= block;
    for (arch::Stride& stride : box.strides)
      stride = {stride.count, stride.source * block, stride.output * block};
    box.strides.push_back({block, 1, 1});
  }
  return made;
}

// A plan for one tensor that is `made` of the fixture's.
plan::Plan plan_of(const Fixture& fixture, const Arrangement& made, const std::string& encoding) {
  plan::Plan plan = fixture.plan("");
  const Encoding block = encoding_of(encoding);
  const std::uint64_t size = made.elements() / block.block_elements * block.block_bytes;
  plan.target.encodings = {block};
  plan.target.tensors = {{"made", encoding, made.shape}};
  plan.tensors = {{"made", encoding, made.shape, plan::Action::convert, made}};
  plan.layout = {{{"out.raw", size}}, {}, {{0, 0, 0, size}}};
  return plan;
}

std::string produced(const plan::Plan& plan, const model::Source& source, std::uint64_t piece) {
  const auto producer = run::Producer::create(source, plan.tensors[0], plan.target.encodings[0], kernels::scalar_kernels);
  REQUIRE(producer);
  run::Buffers buffers;
  std::string all;
  piece = std::max(producer->granularity(), piece / producer->granularity() * producer->granularity());
  for (std::uint64_t at = 0; at < producer->elements(); at += piece) {
    const auto bytes = producer->produce(at, std::min(piece, producer->elements() - at), buffers);
    REQUIRE(bytes);
    all.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }
  return all;
}

Arrangement transposed(const Arrangement& of) {
  std::vector<std::size_t> dims(of.shape.size());
  std::iota(dims.begin(), dims.end(), std::size_t{0});
  std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  return arch::permute(of, dims).value();
}

std::vector<float> floats_of(const std::string& bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

run::ExecuteOptions with(std::size_t threads, std::uint64_t memory) {
  run::ExecuteOptions options;
  options.threads = threads;
  options.memory_bytes = memory;
  options.force = true;
  return options;
}

}  // namespace

TEST_CASE("every element comes from where its box says, for elements of any size and pieces of any size") {
  for (const std::string encoding : {"u8", "bf16", "f32", "f64", "q8_k"}) {
    CAPTURE(encoding);
    const std::size_t block = encoding_of(encoding).block_elements, bytes = encoding_of(encoding).block_bytes;
    Fixture fixture;
    std::vector<std::string> contents;
    for (std::uint32_t i = 0; i < 3; ++i) {
      contents.push_back(random_bytes(15 * 14 * bytes, i));
      fixture.add("t" + std::to_string(i), encoding, {15, 14, block}, contents.back());
    }
    const model::Source source = fixture.open();
    std::vector<Arrangement> whole;
    for (std::uint32_t i = 0; i < 3; ++i)
      whole.push_back(arch::whole(i, {15, 14}));
    const Arrangement rows = arch::concat(whole, 0).value(), columns = arch::concat(whole, 1).value();
    const Arrangement sliced = arch::slice(columns, 1, 5, 33).value();
    const Arrangement halves = arch::permute(arch::reshape(rows, {3, 5, 3, 14}).value(), std::vector<std::size_t>{2, 0, 1, 3}).value();
    const Arrangement fine = arch::permute(arch::reshape(rows, {45, 7, 2}).value(), std::vector<std::size_t>{2, 0, 1}).value();
    for (const Arrangement& made : {rows, columns, sliced, halves, fine, transposed(rows), transposed(columns), transposed(sliced),
                                    arch::rope_permute(arch::slice(rows, 0, 3, 43).value(), 4).value(),
                                    arch::pad(transposed(whole[1]), 0, 17).value(), arch::pad(whole[2], 1, 20).value()}) {
      const plan::Plan plan = plan_of(fixture, of_blocks(made, block), encoding);
      const std::string expected = moved(made, contents, bytes);
      for (const std::uint64_t piece : {1u, 3u, 14u, 64u, 100u, 10000u})
        REQUIRE((produced(plan, source, piece * block) == expected));
    }
  }
}

TEST_CASE("a transposed matrix that is larger than the memory comes out whole, and so do its rows in any order") {
  constexpr std::uint64_t rows = 3001, columns = 2003;
  Fixture fixture;
  const std::string content = random_bytes(rows * columns * 2, 3);
  fixture.add("w", "bf16", {rows, columns}, content);
  const model::Source source = fixture.open();
  const Arrangement made = transposed(arch::whole(0, {rows, columns}));
  const plan::Plan plan = plan_of(fixture, made, "bf16");
  std::string expected(content.size(), '\0');
  for (std::uint64_t row = 0; row < rows; ++row)
    for (std::uint64_t column = 0; column < columns; ++column)
      std::memcpy(expected.data() + (column * rows + row) * 2, content.data() + (row * columns + column) * 2, 2);
  for (const std::size_t threads : {1u, 4u}) {
    REQUIRE(fixture.execute(plan, source, with(threads, run::min_memory_bytes)));
    CHECK((fixture.tensor_bytes(plan, 0) == expected));
    REQUIRE(fixture.execute(plan, source, with(threads, run::default_memory_bytes)));
    CHECK((fixture.tensor_bytes(plan, 0) == expected));
  }
}

TEST_CASE("experts become one tensor and come apart again, copied in long runs or read in short ones") {
  for (const std::uint64_t side : {8u, 256u}) {
    Fixture fixture;
    std::vector<Arrangement> experts;
    std::string all;
    for (std::uint32_t e = 0; e < 128; ++e) {
      const std::string content = random_bytes(side * side * 2, e);
      fixture.add("e" + std::to_string(e), "f16", {side, side}, content);
      experts.push_back(arch::reshape(arch::whole(e, {side, side}), {1, side, side}).value());
      all += content;
    }
    const model::Source source = fixture.open();
    const Arrangement stacked = arch::concat(experts, 0).value();
    plan::Plan plan = plan_of(fixture, stacked, "f16");
    for (const plan::Action action : {plan::Action::convert, plan::Action::copy}) {
      plan.tensors[0].action = action;
      REQUIRE(fixture.execute(plan, source, with(3, run::min_memory_bytes)));
      CHECK((fixture.tensor_bytes(plan, 0) == all));
    }
  }
}

TEST_CASE("blocks move whole, and where one would be cut they are decoded") {
  Fixture fixture;
  const encoding::Codec& codec = *encoding::find_codec("q8_0");
  std::vector<float> numbers = floats_of(random_floats(64 * 96, 1));
  std::string blocks(64 * 96 / 32 * 34, '\0');
  codec.encode(kernels::scalar_kernels, numbers.data(), reinterpret_cast<std::uint8_t*>(blocks.data()), numbers.size());
  codec.decode(kernels::scalar_kernels, reinterpret_cast<const std::uint8_t*>(blocks.data()), numbers.data(), numbers.size());
  fixture.add("q", "q8_0", {64, 96}, blocks);
  const model::Source source = fixture.open();
  const Arrangement whole = arch::whole(0, {64, 96});
  const std::vector<std::string> decoded{{reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)}};
  const Arrangement rows = arch::rope_permute(whole, 4).value(), columns = arch::slice(whole, 1, 32, 96).value();
  for (const Arrangement& made : {rows, columns}) {
    CHECK(plan::source_encoding(source.checkpoint, made).value() == "q8_0");
    const auto in_blocks = arch::in_blocks(made, 32);
    REQUIRE(in_blocks);
    const Arrangement counted{{made.elements() / 32}, {0}, *in_blocks};
    for (const std::uint64_t piece : {32u, 320u, 100000u})
      CHECK((produced(plan_of(fixture, made, "q8_0"), source, piece) == moved(counted, {blocks}, 34)));
  }
  for (const Arrangement& made : {rows, columns, transposed(whole), arch::slice(whole, 1, 5, 70).value(),
                                  arch::rope_permute(transposed(whole), 3).value()})
    for (const std::uint64_t piece : {32u, 320u, 100000u})
      CHECK((produced(plan_of(fixture, made, "f32"), source, piece) == moved(made, decoded, 4)));
  CHECK(plan::source_encoding(source.checkpoint, transposed(whole)).value() == "f32");
}

TEST_CASE("sources of several encodings become f32 on the way, and what f32 does not hold is refused with its name") {
  Fixture fixture;
  const std::vector<float> numbers = floats_of(random_floats(64, 1));
  std::string halves(128, '\0'), brains(128, '\0');
  kernels::scalar_kernels.f32_to_f16(numbers.data(), reinterpret_cast<std::uint8_t*>(halves.data()), 64);
  kernels::scalar_kernels.f32_to_bf16(numbers.data(), reinterpret_cast<std::uint8_t*>(brains.data()), 64);
  fixture.add("half", "f16", {8, 8}, halves);
  fixture.add("brain", "bf16", {8, 8}, brains);
  fixture.add("wide", "i64", {8, 8}, std::string(512, '\1'));
  const model::Source source = fixture.open();
  std::vector<std::string> decoded(2, std::string(256, '\0'));
  kernels::scalar_kernels.f16_to_f32(reinterpret_cast<const std::uint8_t*>(halves.data()), reinterpret_cast<float*>(decoded[0].data()), 64);
  kernels::scalar_kernels.bf16_to_f32(reinterpret_cast<const std::uint8_t*>(brains.data()), reinterpret_cast<float*>(decoded[1].data()), 64);
  const std::vector<Arrangement> parts{arch::whole(0, {8, 8}), arch::whole(1, {8, 8}), arch::whole(2, {8, 8})};
  for (const std::size_t axis : {0u, 1u}) {
    const Arrangement both = arch::concat(std::span(parts).first(2), axis).value();
    CHECK(plan::source_encoding(source.checkpoint, both).value() == "f32");
    for (const std::uint64_t piece : {1u, 16u, 1000u})
      CHECK((produced(plan_of(fixture, both, "f32"), source, piece) == moved(both, decoded, 4)));
    const auto refused = plan::source_encoding(source.checkpoint, arch::concat(parts, axis).value());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().tensor == "wide");
    CHECK(refused.error().message.find("\"i64\", which cannot be put together with \"f16\"") != std::string::npos);
  }
}

TEST_CASE("big-endian sources come out little endian wherever they go") {
  Fixture fixture;
  const std::string little = random_bytes(12 * 10 * 4, 1);
  std::string big = little;
  for (std::size_t i = 0; i < big.size(); i += 4)
    std::reverse(big.begin() + static_cast<std::ptrdiff_t>(i), big.begin() + static_cast<std::ptrdiff_t>(i + 4));
  fixture.add("a", "f32", {12, 10}, big);
  model::Source source = fixture.open();
  source.checkpoint.tensors[0].big_endian = true;
  const Arrangement whole = arch::whole(0, {12, 10});
  for (const Arrangement& made : {whole, transposed(whole), arch::slice(whole, 1, 2, 7).value()})
    CHECK((produced(plan_of(fixture, made, "f32"), source, 7) == moved(made, {little}, 4)));
}

TEST_CASE("numbers change after decoding: f16 in f16, others in f32") {
  Fixture fixture;
  const std::vector<float> numbers{0.0f, 1.0f, -0.5f, 3.0517578125e-5f};
  std::string halves(8, '\0');
  kernels::scalar_kernels.f32_to_f16(numbers.data(), reinterpret_cast<std::uint8_t*>(halves.data()), 4);
  fixture.add("half", "f16", {4}, halves);
  fixture.add("single", "f32", {4}, {reinterpret_cast<const char*>(numbers.data()), 16});
  const model::Source source = fixture.open();
  const auto changed = [&](std::uint32_t index, std::vector<arch::ValueOperation> values) {
    Arrangement made = arch::whole(index, {4});
    made.values = std::move(values);
    return floats_of(produced(plan_of(fixture, made, "f32"), source, 4));
  };
  using arch::ValueKind;
  CHECK(changed(0, {{ValueKind::add, 1}}) == std::vector<float>{1, 2, 0.5f, 1});
  CHECK(changed(1, {{ValueKind::add, 1}}) == std::vector<float>{1, 2, 0.5f, 1.000030517578125f});
  CHECK(changed(1, {{ValueKind::add, 1}, {ValueKind::add, -1}})[0] == 0.0f);
  CHECK(changed(0, {{ValueKind::neg_exp, 0}})[1] == -2.71875f);
  CHECK(changed(1, {{ValueKind::neg_exp, 0}, {ValueKind::neg_log, 0}})[1] == doctest::Approx(1).epsilon(1e-7));
}

TEST_CASE("exponentials are those of PyTorch, within one step of the exact ones") {
  // From torch.exp of 2.7 on an x86 with AVX2; the second and the seventh are not the nearest.
  const std::vector<float> numbers{2.28125f, 1.792122f, 1.359375f, 2.65625f, 0.81640625f, 0.04638672f, 1.25f, 1.5859375f};
  Fixture fixture;
  fixture.add("a", "f32", {8}, {reinterpret_cast<const char*>(numbers.data()), 32});
  const model::Source source = fixture.open();
  Arrangement made = arch::whole(0, {8});
  made.values = {{arch::ValueKind::neg_exp, 0}};
  const std::vector<float> found = floats_of(produced(plan_of(fixture, made, "f32"), source, 8));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto nearest = static_cast<float>(-std::exp(static_cast<double>(numbers[i])));
    const float expected = i == 1 || i == 6 ? std::nextafter(nearest, i == 6 ? -10.0f : 0.0f) : nearest;
    CHECK(found[i] == expected);
  }
  const std::vector<float> extremes{-200, -104, 0, 88.5f, 200, std::numeric_limits<float>::quiet_NaN()};
  Fixture far;
  far.add("a", "f32", {6}, {reinterpret_cast<const char*>(extremes.data()), 24});
  made = arch::whole(0, {6});
  made.values = {{arch::ValueKind::neg_exp, 0}};
  const std::vector<float> ends = floats_of(produced(plan_of(far, made, "f32"), far.open(), 6));
  CHECK(ends[0] == 0);
  CHECK(ends[2] == -1);
  CHECK(std::isfinite(ends[3]));
  CHECK(std::isinf(ends[4]));
  CHECK(std::isnan(ends[5]));
}

TEST_CASE("stacked matrices are encoded each with its own importance, of whichever tensors they come") {
  constexpr std::size_t matrices = 3, rows = 5, columns = 256;
  Fixture one, many;
  const std::string floats = random_floats(matrices * rows * columns, 1);
  std::vector<Arrangement> parts;
  for (std::uint32_t m = 0; m < matrices; ++m) {
    many.add("m" + std::to_string(m), "f32", {rows, columns}, floats.substr(m * rows * columns * 4, rows * columns * 4));
    parts.push_back(arch::whole(m, {1, rows, columns}));
  }
  one.add("all", "f32", {matrices, rows, columns}, floats);
  std::vector<float> importance(matrices * columns);
  for (std::size_t i = 0; i < importance.size(); ++i)
    importance[i] = static_cast<float>(i % 17 + 1);
  plan::Plan whole = plan_of(one, arch::whole(0, {matrices, rows, columns}), "q4_k");
  plan::Plan stacked = plan_of(many, arch::concat(parts, 0).value(), "q4_k");
  whole.tensors[0].importance = stacked.tensors[0].importance = importance;
  const model::Source one_source = one.open(), many_source = many.open();
  CHECK((produced(whole, one_source, 100000) == produced(stacked, many_source, columns)));
}
