// Arrangements against a model that moves one element at a time.
#include "engine/arch/arrangement.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace heirloom;
using arch::Arrangement;

namespace {

using Shape = std::vector<std::uint64_t>;

std::uint64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
}

// A tensor whose elements say where they come from: source * 2^32 + index, or -1 for a zero.
struct Model {
  Shape shape;
  std::vector<std::int64_t> elements;
};

Model model_of(std::uint32_t source, Shape shape) {
  Model model{shape, std::vector<std::int64_t>(product(shape))};
  std::iota(model.elements.begin(), model.elements.end(), static_cast<std::int64_t>(source) << 32);
  return model;
}

Shape digits(std::uint64_t index, const Shape& shape) {
  Shape at(shape.size());
  for (std::size_t k = shape.size(); k-- > 0; index /= shape[k])
    at[k] = index % shape[k];
  return at;
}

std::uint64_t index_of(const Shape& at, const Shape& shape) {
  std::uint64_t index = 0;
  for (std::size_t k = 0; k < shape.size(); ++k)
    index = index * shape[k] + at[k];
  return index;
}

Model permuted(const Model& of, const std::vector<std::size_t>& dims) {
  Model made = of;
  for (std::size_t k = 0; k < dims.size(); ++k)
    made.shape[k] = of.shape[dims[k]];
  for (std::uint64_t i = 0; i < made.elements.size(); ++i) {
    const Shape at = digits(i, made.shape);
    Shape from(at.size());
    for (std::size_t k = 0; k < dims.size(); ++k)
      from[dims[k]] = at[k];
    made.elements[i] = of.elements[index_of(from, of.shape)];
  }
  return made;
}

Model sliced(const Model& of, std::size_t axis, std::uint64_t begin, std::uint64_t end) {
  Model made{of.shape, {}};
  made.shape[axis] = end - begin;
  for (std::uint64_t i = 0; i < product(made.shape); ++i) {
    Shape at = digits(i, made.shape);
    at[axis] += begin;
    made.elements.push_back(of.elements[index_of(at, of.shape)]);
  }
  return made;
}

Model together(const std::vector<Model>& parts, std::size_t axis) {
  Model made{parts.front().shape, {}};
  made.shape[axis] = 0;
  for (const Model& part : parts)
    made.shape[axis] += part.shape[axis];
  for (std::uint64_t i = 0; i < product(made.shape); ++i) {
    Shape at = digits(i, made.shape);
    std::size_t part = 0;
    while (at[axis] >= parts[part].shape[axis])
      at[axis] -= parts[part++].shape[axis];
    made.elements.push_back(parts[part].elements[index_of(at, parts[part].shape)]);
  }
  return made;
}

Model zero_model(Shape shape) { return {shape, std::vector<std::int64_t>(product(shape), -1)}; }

// The elements that boxes fill; -2 where none does. A box that fills what another has filled is an error.
std::vector<std::int64_t> filled(const std::vector<arch::Box>& boxes, std::uint64_t count) {
  std::vector<std::int64_t> elements(count, -2);
  for (const arch::Box& box : boxes)
    for (std::uint64_t i = 0; i < box.elements(); ++i) {
      std::uint64_t rest = i, source = box.source_offset, output = box.output_offset;
      for (std::size_t k = box.strides.size(); k-- > 0; rest /= box.strides[k].count) {
        source += rest % box.strides[k].count * box.strides[k].source;
        output += rest % box.strides[k].count * box.strides[k].output;
      }
      REQUIRE(output < count);
      REQUIRE(elements[output] == -2);
      elements[output] = box.source == arch::zero_source ? -1 : static_cast<std::int64_t>((std::uint64_t{box.source} << 32) + source);
    }
  return elements;
}

bool is_nested(const arch::Box& box) {
  std::uint64_t below = 1;
  for (std::size_t k = box.strides.size(); k-- > 0;) {
    if (box.strides[k].count < 2 || box.strides[k].output < below)
      return false;
    below += (box.strides[k].count - 1) * box.strides[k].output;
  }
  return true;
}

bool agree(const Arrangement& arrangement, const Model& model) {
  return arrangement.shape == model.shape && filled(arrangement.boxes, model.elements.size()) == model.elements &&
         std::all_of(arrangement.boxes.begin(), arrangement.boxes.end(), is_nested) &&
         std::is_sorted(arrangement.boxes.begin(), arrangement.boxes.end(),
                        [](const arch::Box& a, const arch::Box& b) { return a.output_offset < b.output_offset; });
}

// A tensor both ways.
struct Both {
  Arrangement arrangement;
  Model model;
};

Both both(std::uint32_t source, const Shape& shape) { return {arch::whole(source, shape), model_of(source, shape)}; }

// Some shape with the same number of elements.
Shape other_shape(std::mt19937& random, std::uint64_t count) {
  Shape shape;
  while (shape.size() < 4 && count > 1) {
    const std::uint64_t wanted = 1 + random() % count;
    std::uint64_t size = wanted;
    while (count % size != 0)
      --size;
    shape.push_back(size);
    count /= size;
  }
  shape.push_back(count);
  if (random() % 3 == 0)
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(random() % (shape.size() + 1)), 1);
  return shape;
}

// One random verb, on both sides. `next_source` counts the sources that a concat brings in.
void apply_random(std::mt19937& random, Both& tensor, std::uint32_t& next_source) {
  const Shape& shape = tensor.model.shape;
  const std::size_t axis = random() % shape.size();
  switch (random() % 5) {
    case 0: {
      tensor.model.shape = other_shape(random, product(shape));
      tensor.arrangement = arch::reshape(tensor.arrangement, tensor.model.shape).value();
      break;
    }
    case 1: {
      std::vector<std::size_t> dims(shape.size());
      std::iota(dims.begin(), dims.end(), 0u);
      std::shuffle(dims.begin(), dims.end(), random);
      tensor.model = permuted(tensor.model, dims);
      tensor.arrangement = arch::permute(tensor.arrangement, dims).value();
      break;
    }
    case 2: {
      const std::uint64_t begin = random() % shape[axis], end = begin + 1 + random() % (shape[axis] - begin);
      tensor.model = sliced(tensor.model, axis, begin, end);
      tensor.arrangement = arch::slice(tensor.arrangement, axis, begin, end).value();
      break;
    }
    case 3: {
      if (tensor.model.elements.size() > 600)
        break;
      Shape more = shape;
      more[axis] = 1 + random() % 5;
      const Both other = both(next_source++, more);
      const bool is_first = random() % 2 == 0;
      const Arrangement parts[] = {is_first ? other.arrangement : tensor.arrangement, is_first ? tensor.arrangement : other.arrangement};
      tensor.model = together({is_first ? other.model : tensor.model, is_first ? tensor.model : other.model}, axis);
      tensor.arrangement = arch::concat(parts, axis).value();
      break;
    }
    default: {
      if (tensor.model.elements.size() > 600)
        break;
      Shape more = shape;
      more[axis] = random() % 3;
      tensor.arrangement = arch::pad(tensor.arrangement, axis, shape[axis] + more[axis]).value();
      tensor.model = together({tensor.model, zero_model(more)}, axis);
      break;
    }
  }
}

}  // namespace

TEST_CASE("any chain of verbs moves every element where moving them one by one does") {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::uint32_t next_source = 1;
    Both tensor = both(0, other_shape(random, 1 + random() % 240));
    for (int verb = 0; verb < 6; ++verb) {
      apply_random(random, tensor, next_source);
      REQUIRE(agree(tensor.arrangement, tensor.model));
    }
    // Any part of it is what clipping its boxes gives.
    const std::uint64_t count = tensor.model.elements.size(), first = random() % count;
    const std::uint64_t part = 1 + random() % (count - first);
    std::vector<arch::Box> clipped;
    for (const arch::Box& box : tensor.arrangement.boxes)
      for (arch::Box& piece : arch::clip(box, first, part))
        clipped.push_back(std::move(piece));
    auto expected = tensor.model.elements;
    for (std::uint64_t i = 0; i < count; ++i)
      if (i < first || i >= first + part)
        expected[i] = -2;
    REQUIRE(filled(clipped, count) == expected);
  }
}

TEST_CASE("verbs that undo each other leave the whole source") {
  const Arrangement source = arch::whole(3, {24, 5});
  constexpr std::size_t swap[] = {1, 0};
  CHECK(arch::permute(arch::permute(source, swap).value(), swap).value().is_whole(120));
  CHECK(arch::rope_unpermute(arch::rope_permute(source, 3).value(), 3).value().is_whole(120));
  CHECK(arch::rope_permute(arch::rope_unpermute(source, 4).value(), 4).value().is_whole(120));
  CHECK(arch::slice(source, 0, 0, 24).value().is_whole(120));
  CHECK(arch::concat(std::span(&source, 1), 1).value().is_whole(120));
  CHECK(arch::slice(arch::pad(source, 0, 40).value(), 0, 0, 24).value().is_whole(120));
  for (const std::size_t axis : {0u, 1u}) {
    std::vector<Arrangement> parts;
    for (std::uint64_t at = 0; at < source.shape[axis]; ++at)
      parts.push_back(arch::slice(source, axis, at, at + 1).value());
    CHECK(arch::concat(parts, axis).value().is_whole(120));
  }
  CHECK_FALSE(arch::slice(source, 0, 0, 23).value().is_whole(120));
  CHECK_FALSE(arch::rope_permute(source, 3).value().is_whole(120));
}

TEST_CASE("rope_permute interleaves the halves of each head, and agrees with its figure") {
  const Arrangement one = arch::rope_permute(arch::whole(0, {4, 2}), 1).value();
  REQUIRE(one.boxes.size() == 1);
  CHECK(one.boxes[0].strides == std::vector<arch::Stride>{{2, 2, 4}, {2, 4, 2}, {2, 1, 1}});
  const Arrangement two = arch::rope_permute(arch::whole(0, {16}), 2).value();
  std::vector<std::int64_t> expected;
  for (const int row : {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15})
    expected.push_back(row);
  CHECK(filled(two.boxes, 16) == expected);
}

TEST_CASE("ranks that Meta splits by rows or by columns come together as few runs or boxes, and rows of one source as one run") {
  std::vector<Arrangement> ranks;
  for (std::uint32_t rank = 0; rank < 8; ++rank)
    ranks.push_back(arch::whole(rank, {16, 6}));
  const Arrangement rows = arch::concat(ranks, 0).value(), columns = arch::concat(ranks, 1).value();
  CHECK(rows.boxes.size() == 8);
  CHECK(std::all_of(rows.boxes.begin(), rows.boxes.end(), [](const arch::Box& box) { return box.is_run(); }));
  CHECK(columns.boxes.size() == 8);
  CHECK(columns.sources.size() == 8);
  // Heads of ranks put together, brought to the Hugging Face layout and from there to GGUF: nothing moves.
  const Arrangement chained = arch::rope_permute(arch::rope_unpermute(rows, 16).value(), 16).value();
  CHECK(chained.boxes == rows.boxes);
}

TEST_CASE("experts stacked from one source are that source, from many one run each") {
  const Arrangement stacked = arch::whole(0, {128, 12, 10});
  std::vector<Arrangement> experts, others;
  for (std::uint64_t e = 0; e < 128; ++e) {
    experts.push_back(arch::slice(stacked, 0, e, e + 1).value());
    others.push_back(arch::whole(static_cast<std::uint32_t>(e), {1, 12, 10}));
  }
  CHECK(arch::concat(experts, 0).value().is_whole(128 * 120));
  const Arrangement many = arch::concat(others, 0).value();
  CHECK(many.boxes.size() == 128);
  CHECK(many.sources.size() == 128);
  // Transposed one by one and stacked again: one box.
  constexpr std::size_t swap[] = {0, 2, 1};
  for (Arrangement& expert : experts)
    expert = arch::permute(expert, swap).value();
  const Arrangement turned = arch::concat(experts, 0).value();
  CHECK(turned.boxes.size() == 1);
  CHECK(turned.boxes == arch::permute(stacked, swap).value().boxes);
}

TEST_CASE("tensors without elements keep their sources") {
  const Arrangement empty = arch::whole(7, {0, 4});
  CHECK(empty.is_whole(0));
  constexpr std::size_t swap[] = {1, 0};
  CHECK(arch::permute(empty, swap).value().sources == std::vector<std::uint32_t>{7});
  const Arrangement parts[] = {empty, arch::whole(8, {3, 4})};
  const Arrangement both = arch::concat(parts, 0).value();
  CHECK(both.shape == Shape{3, 4});
  CHECK(both.is_whole(12));
}

TEST_CASE("verbs that do not fit the shape are refused") {
  const Arrangement of = arch::whole(0, {6, 4});
  const auto refuses = [](const auto& result, std::string_view words) {
    return !result && result.error().code == Code::misuse && result.error().message.find(words) != std::string::npos;
  };
  constexpr std::size_t once[] = {0, 0}, few[] = {0}, beyond[] = {0, 2};
  CHECK(refuses(arch::reshape(of, {5, 5}), "[6, 4]"));
  CHECK(refuses(arch::reshape(of, {UINT64_MAX, 3}), "[6, 4]"));
  CHECK(refuses(arch::permute(of, once), "this order"));
  CHECK(refuses(arch::permute(of, few), "this order"));
  CHECK(refuses(arch::permute(of, beyond), "this order"));
  CHECK(refuses(arch::slice(of, 2, 0, 1), "no dimension 2"));
  CHECK(refuses(arch::slice(of, 0, 5, 7), "no steps 5 to 7"));
  CHECK(refuses(arch::pad(of, 0, 5), "is larger than 5"));
  CHECK(refuses(arch::rope_permute(of, 2), "not whole pairs"));
  CHECK(refuses(arch::rope_permute(of, 0), "not whole pairs"));
  const Arrangement parts[] = {of, arch::whole(1, {6, 5})};
  CHECK(refuses(arch::concat(parts, 0), "cannot be put together"));
  CHECK(arch::concat(parts, 1));
  Arrangement changed = of;
  changed.values = {{arch::ValueKind::add, 1}};
  const Arrangement mixed[] = {of, changed};
  CHECK(refuses(arch::concat(mixed, 0), "different ways"));
  CHECK(refuses(arch::pad(changed, 0, 8), "zeros"));
  CHECK_FALSE(changed.is_whole(24));
}

TEST_CASE("an arrangement in too many pieces is refused, not made") {
  // Columns of odd matrices side by side, seen as rows that never fit: every element is on its own.
  Arrangement of = arch::whole(0, {1021, 1019});
  constexpr std::size_t swap[] = {1, 0};
  of = arch::permute(of, swap).value();
  of = arch::slice(of, 0, 0, 1018).value();
  of = arch::reshape(of, {1021, 1018}).value();
  const auto made = arch::permute(of, swap);
  if (!made)
    CHECK(made.error().code == Code::limit);
  else
    CHECK(made->boxes.size() <= arch::max_boxes);
}
