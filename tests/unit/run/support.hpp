// A source of one raw file with tensors back to back, and plans for it, without any plugin.
#pragma once

#include "engine/base/text.hpp"
#include "engine/run/execute.hpp"
#include "heirloom/encodings.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

namespace heirloom::test {

inline std::string random_bytes(std::size_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes)
    c = static_cast<char>(random());
  return bytes;
}

// f32 values of ordinary size.
inline std::string random_floats(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes(count * sizeof(float), '\0');
  for (std::size_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(static_cast<std::int32_t>(random())) * 1e-9f;
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  return bytes;
}

inline Encoding encoding_of(const std::string& id) {
  const WellKnownEncoding* known = find_well_known_encoding(id);
  REQUIRE(known != nullptr);
  return {id, known->block_elements, known->block_bytes};
}

// rope_permute of so many heads.
inline auto rope_heads(std::uint64_t count) {
  return [count](const arch::Arrangement& of) { return arch::rope_permute(of, count).value(); };
}

class Fixture {
 public:
  // Adds a tensor to the source file.
  void add(const std::string& name, const std::string& encoding, std::vector<std::uint64_t> shape, const std::string& bytes) {
    checkpoint_.use_encoding(encoding_of(encoding));
    checkpoint_.tensors.push_back({name, encoding, std::move(shape), {{0, content_.size(), bytes.size()}}});
    content_ += bytes;
  }

  model::Source open() {
    write_file(directory_ / "in.raw", content_);
    checkpoint_.files = {{"in.raw", content_.size()}};
    return reopen();
  }

  model::Source reopen() const {
    model::Source source;
    source.files = base::FileSet::open(directory_ / "in.raw").value();
    source.checkpoint = checkpoint_;
    return source;
  }

  // One output tensor for each source tensor, in `encoding` (or its own), back to back at multiples of 64.
  // Each is `made` of its source.
  plan::Plan plan(const std::string& encoding,
                  const std::function<arch::Arrangement(const arch::Arrangement&)>& made = {}) const {
    plan::Plan plan;
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < checkpoint_.tensors.size(); ++i) {
      const Tensor& from = checkpoint_.tensors[i];
      const std::string to = encoding.empty() ? from.encoding : encoding;
      const Encoding block = encoding_of(to);
      plan.target.use_encoding(block);
      const arch::Arrangement whole = arch::whole(i, from.shape);
      const arch::Arrangement arrangement = made ? made(whole) : whole;
      plan.target.tensors.push_back({from.name, to, arrangement.shape});
      const bool is_copy = to == from.encoding && arrangement.is_whole(whole.elements());
      plan.tensors.push_back({from.name, to, arrangement.shape, is_copy ? plan::Action::copy : plan::Action::convert, arrangement});
      const std::uint64_t size = arrangement.elements() / block.block_elements * block.block_bytes;
      plan.layout.placements.push_back({i, 0, end, size});
      end = (end + size + 63) / 64 * 64;
    }
    plan.layout.files = {{"out.raw", end}};
    return plan;
  }

  Result<run::Outcome> execute(const plan::Plan& plan, const model::Source& source, run::ExecuteOptions options,
                               const base::Log& log = {}) const {
    return run::execute(plan, source, directory_ / "out.raw", options, log);
  }

  std::string tensor_bytes(const plan::Plan& plan, std::size_t i) const {
    const Placement& place = plan.layout.placements[i];
    return read_file(directory_ / "out.raw").substr(place.offset, place.size);
  }

  const TempDirectory& directory() const { return directory_; }

 private:
  TempDirectory directory_;
  Checkpoint checkpoint_{"raw"};
  std::string content_;
};

}  // namespace heirloom::test
