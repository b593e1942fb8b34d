// Feeds the reader hostile files: the first byte of the input says whether the rest is a header (the length and the
// data are made to fit), a whole file, or an index. What is accepted must be sound and come out of the writer and back.
#include "plugins/safetensors/reader.hpp"
#include "plugins/safetensors/writer.hpp"
#include "tests/support/memory_host.hpp"

#include <cstdlib>

namespace {

using heirloom::Checkpoint;
using heirloom::test::Bytes;
using heirloom::test::MemoryHost;

constexpr std::uint64_t data_bytes = 8;

void require(bool holds) {
  if (!holds)
    std::abort();
}

Bytes file_with_header(const Bytes& header, std::uint64_t size_bytes) {
  Bytes file;
  for (unsigned shift = 0; shift < 64; shift += 8)
    file.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> shift));
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + size_bytes);
  return file;
}

void check_places(const Checkpoint& checkpoint) {
  for (const heirloom::Tensor& tensor : checkpoint.tensors) {
    require(checkpoint.find_encoding(tensor.encoding) != nullptr);
    for (const heirloom::Extent& extent : tensor.extents) {
      const std::uint64_t file_bytes = checkpoint.files.at(extent.file).size;
      require(extent.offset <= file_bytes && extent.size <= file_bytes - extent.offset);
    }
  }
}

// A description that the reader gave can be written, and reads back with the same tensors and metadata.
void check_round_trip(const Checkpoint& checkpoint) {
  const auto layout = heirloom::safetensors::SafetensorsWriter().plan(0, checkpoint, {});
  if (!layout)
    std::abort();
  std::vector<Bytes> data;
  for (const heirloom::Tensor& tensor : checkpoint.tensors)
    data.emplace_back(tensor.extents[0].size);
  const MemoryHost host(heirloom::test::materialize(*layout, data));
  const auto again = heirloom::safetensors::SafetensorsReader().read(0, host.files(), {});
  require(again.has_value() && again->tensors.size() == checkpoint.tensors.size());
  for (const heirloom::Attr& attr : checkpoint.attrs) {
    const heirloom::Attr* same = heirloom::find_attr(again->attrs, attr.key);
    require(same != nullptr && *same == attr);
  }
}

void read_all(std::map<std::string, Bytes> files, const std::string& primary) {
  const MemoryHost host(std::move(files), primary);
  const heirloom::safetensors::SafetensorsReader reader;
  require(reader.probe(0, host.files()).has_value());
  const auto read = reader.read(0, host.files(), {});
  if (!read)
    return;
  check_places(*read);
  check_round_trip(*read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const Bytes rest(data + 1, data + size);
  switch (data[0] % 4) {
    case 0:
      read_all({{"a.safetensors", rest}}, "a.safetensors");
      break;
    case 1: {
      const std::string_view entry = R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})";
      read_all({{"model.safetensors.index.json", rest},
                {"a.safetensors", file_with_header({entry.begin(), entry.end()}, data_bytes)}}, "");
      break;
    }
    default:
      read_all({{"a.safetensors", file_with_header(rest, data[0] % 4 == 2 ? 0 : data_bytes)}}, "");
      break;
  }
  return 0;
}
