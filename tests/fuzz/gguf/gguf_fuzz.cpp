// Any bytes, as one file or as a split set of two: reading never crashes, what it accepts is described without a fault,
// and what is written from that description reads back as the same model.
#include "tests/unit/gguf/support.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using heirloom::test::Bytes;
using heirloom::test::FileMap;

constexpr char first_name[] = "m-00001-of-00002.gguf";
constexpr char second_name[] = "m-00002-of-00002.gguf";

// Input that begins with 'S' is a set: the next two bytes are the size of the first file.
FileMap split_input(const Bytes& input) {
  if (input.size() < 3 || input[0] != 'S')
    return {{first_name, input}};
  const std::size_t wanted = 3u + input[1] + 256u * input[2];
  const auto middle = input.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, input.size()));
  return {{first_name, Bytes(input.begin() + 3, middle)}, {second_name, Bytes(middle, input.end())}};
}

Bytes seed_file() { return heirloom::test::build(heirloom::test::small_spec()).bytes; }

Bytes seed_set() {
  heirloom::test::FileSpec spec = heirloom::test::small_spec();
  spec.attrs.resize(1);
  const FileMap files = heirloom::test::rewrite({{"m.gguf", heirloom::test::build(spec).bytes}}, "m.gguf",
                                                heirloom::test::options("m.gguf", 1)).value();
  const Bytes& first = files.at(first_name);
  Bytes input = {'S', static_cast<std::uint8_t>(first.size()), static_cast<std::uint8_t>(first.size() >> 8)};
  input.insert(input.end(), first.begin(), first.end());
  input.insert(input.end(), files.at(second_name).begin(), files.at(second_name).end());
  return input;
}

void check_written(const FileMap& files, const heirloom::Checkpoint& read) {
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{1}}) {
    const auto written = heirloom::test::rewrite(files, first_name, heirloom::test::options("w.gguf", limit));
    if (!written)
      continue;
    const auto again = heirloom::test::read_model(*written, written->begin()->first);
    if (!again || again->tensors.size() != read.tensors.size() ||
        heirloom::test::tensor_bytes(*again, *written) != heirloom::test::tensor_bytes(read, files))
      std::abort();
    if (limit == 0 && again->attrs != read.attrs)
      std::abort();
  }
}

}  // namespace

// Starts from whole files, since noise rarely gets past the magic.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 24) {
    const Bytes whole = seed % 2 == 0 ? seed_file() : seed_set();
    if (whole.size() <= max_size) {
      std::copy(whole.begin(), whole.end(), data);
      size = whole.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const FileMap files = split_input(Bytes(data, data + size));
  const auto read = heirloom::test::read_model(files, first_name);
  if (!read) {
    if (read.error().position != heirloom::no_position && read.error().position > size)
      std::abort();
    return 0;
  }
  if (!heirloom::test::fault_of(*read, files).empty())
    std::abort();
  check_written(files, *read);
  return 0;
}
