// Digests of the source's numbers, made on the way: against those of the numbers one by one.
#include "engine/arch/arrangement.hpp"
#include "tests/unit/run/support.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstring>

namespace heirloom::test {
namespace {

// Numbers whose upper half alone is set, so that bf16 holds them, with a NaN of another payload among them where asked.
std::vector<std::uint32_t> numbers(std::size_t count, std::uint32_t seed, bool has_nan) {
  std::mt19937 random(seed);
  std::vector<std::uint32_t> bits(count);
  for (std::uint32_t& one : bits)
    one = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(random())) * 1e-9f) & 0xffff'0000;
  if (has_nan)
    bits[count / 2] = 0xffc1'0000;
  return bits;
}

std::string stored(const std::vector<std::uint32_t>& bits, const std::string& encoding) {
  std::string bytes;
  for (const std::uint32_t one : bits) {
    char text[4];
    std::memcpy(text, &one, sizeof text);
    if (encoding == "f32")
      bytes.append(text, 4);
    else if (encoding == "bf16")
      bytes.append(text + 2, 2);
    else if (const double wide = std::bit_cast<float>(one); true)
      bytes.append(reinterpret_cast<const char*>(&wide), sizeof wide);
  }
  return bytes;
}

// As the formula has it, element by element.
base::Digest digest_of(const std::vector<std::uint32_t>& bits, const arch::Arrangement& made) {
  std::vector<std::uint32_t> canonical(made.elements());
  for (const arch::Box& box : made.boxes)
    for (std::uint64_t k = 0; k < box.elements(); ++k) {
      std::uint64_t from = box.source_offset, to = box.output_offset, rest = k;
      for (auto stride = box.strides.rbegin(); stride != box.strides.rend(); ++stride) {
        from += rest % stride->count * stride->source;
        to += rest % stride->count * stride->output;
        rest /= stride->count;
      }
      const bool is_nan = (bits[from] & 0x7fff'ffff) > 0x7f80'0000;
      canonical[to] = is_nan ? 0x7fc0'0000 : bits[from];
    }
  return base::sha256({reinterpret_cast<const std::uint8_t*>(canonical.data()), canonical.size() * 4});
}

struct Way {
  const char* name;
  std::string from, to;
  std::function<arch::Arrangement(const arch::Arrangement&)> output, canonical;
  bool is_on_the_way = true;  // no byte is read twice
};

// Bytes that this process has read with system calls (proc(5)).
std::uint64_t bytes_read() {
  const std::string text = read_file("/proc/self/io");
  return std::stoull(text.substr(text.find("rchar:") + 6));
}

arch::Arrangement same(const arch::Arrangement& of) { return of; }
arch::Arrangement turned(const arch::Arrangement& of) {
  const std::size_t dims[] = {1, 0};
  return arch::permute(of, dims).value();
}
arch::Arrangement lower_half(const arch::Arrangement& of) { return arch::slice(of, 0, of.shape[0] / 2, of.shape[0]).value(); }

}  // namespace

TEST_CASE("values of a canonical view are digested as their numbers are, whatever comes by while converting") {
  const Way ways[] = {{"copied", "bf16", "bf16", same, same},
                      {"copied, f32", "f32", "f32", same, same},
                      {"encoded", "bf16", "q8_0", same, same},
                      {"widened", "bf16", "f32", same, same},
                      {"encoded from f32", "f32", "q8_0", same, same},
                      {"heads in another order, canonical as stored", "bf16", "bf16", rope_heads(4), same},
                      {"canonical as gathered", "bf16", "f32", rope_heads(4), rope_heads(4)},
                      {"canonical as gathered, f32", "f32", "f32", rope_heads(4), rope_heads(4)},
                      {"canonical in an order of its own", "bf16", "bf16", same, rope_heads(4), false},
                      {"turned on the way, canonical as stored", "bf16", "bf16", turned, same},
                      {"a part of what is stored", "bf16", "bf16", same, lower_half},
                      {"a part of f32", "f32", "f32", same, lower_half},
                      {"f64", "f64", "f64", same, same, false}};
  for (const Way& way : ways)
    for (const bool has_nan : {false, true}) {
      if (has_nan && way.to == "q8_0")
        continue;
      CAPTURE(std::string(way.name));
      CAPTURE(has_nan);
      Fixture fixture;
      const std::vector<std::uint32_t> large = numbers(2048 * 1024, 1, has_nan), small = numbers(64 * 64, 2, false);
      fixture.add("large", way.from, {2048, 1024}, stored(large, way.from));
      fixture.add("small", way.from, {64, 64}, stored(small, way.from));
      const plan::Plan plan = (void(fixture.open()), fixture.plan(way.to, way.output));
      const std::vector<arch::MappedTensor> canonical{{"large", {}, way.canonical(arch::whole(0, {2048, 1024}))},
                                                      {"small", {}, way.canonical(arch::whole(1, {64, 64}))}};
      for (const std::size_t threads : {1u, 3u}) {
        const model::Source source = fixture.reopen();
        run::ExecuteOptions options;
        options.threads = threads;
        options.memory_bytes = threads == 1 ? run::min_memory_bytes : run::default_memory_bytes;
        options.force = options.digests_sources = true;
        options.canonical = canonical;
        const std::uint64_t before = bytes_read();
        const auto outcome = fixture.execute(plan, source, options);
        // What is copied from file to file in the system counts, too.
        const std::uint64_t size = source.checkpoint.files[0].size, once = plan.tensors[0].action == plan::Action::copy ? 2 * size : size;
        if (!has_nan && threads != 1)
          CHECK((bytes_read() - before < once + size / 8) == way.is_on_the_way);
        REQUIRE(outcome.has_value());
        REQUIRE(outcome->values.size() == 2);
        CHECK(outcome->values[0].value_class == "f32");
        CHECK(outcome->values[0].canonical == digest_of(large, canonical[0].arrangement));
        CHECK(outcome->values[1].canonical == digest_of(small, canonical[1].arrangement));
      }
    }
}

}  // namespace heirloom::test
