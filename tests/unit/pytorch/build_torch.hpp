// Makes PyTorch's files in memory, from pieces: build_zip_file(dict({{text("w"), tensor("FloatStorage", "0", 2, 0, {2}, {1})}}),
// {{"0", bytes}}).
#pragma once

#include "plugins/pytorch/reader.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/support/pickle_text.hpp"
#include "tests/unit/zip/build_zip.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::test {

using Stored = std::vector<std::pair<std::string, Bytes>>;  // storages by key

inline pk::Opcodes sizes(const std::vector<std::int64_t>& numbers) {
  std::vector<pk::Opcodes> all;
  for (const std::int64_t number : numbers)
    all.push_back(pk::integer(number));
  return pk::tuple(all);
}

inline pk::Opcodes storage(const std::string& type, const std::string& key, std::int64_t elements,
                           const std::string& location = "cpu") {
  const pk::Opcodes cls = type == "UntypedStorage" ? pk::global("torch.storage", type) : pk::global("torch", type);
  return pk::persistent(pk::tuple({pk::text("storage"), cls, pk::text(key), pk::text(location), pk::integer(elements)}));
}

inline pk::Opcodes rebuild(const pk::Opcodes& from, std::int64_t offset, const std::vector<std::int64_t>& shape,
                           const std::vector<std::int64_t>& strides) {
  return pk::reduce(pk::global("torch._utils", "_rebuild_tensor_v2"),
                    {from, pk::integer(offset), sizes(shape), sizes(strides), pk::boolean(false),
                     pk::reduce(pk::global("collections", "OrderedDict"), {})});
}

inline pk::Opcodes tensor(const std::string& type, const std::string& key, std::int64_t elements, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  return rebuild(storage(type, key, elements), offset, shape, strides);
}

// A vector of two floats, storage "0".
inline pk::Opcodes pair() { return tensor("FloatStorage", "0", 2, 0, {2}, {1}); }

inline Bytes floats(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline ZipSpec torch_zip(const pk::Opcodes& root, const Stored& storages) {
  ZipSpec spec{{{"archive/data.pkl", bytes_of(pk::pickle(root))}}};
  for (const auto& [key, bytes] : storages)
    spec.members.push_back({"archive/data/" + key, bytes});
  spec.members.push_back({"archive/version", bytes_of("3\n")});
  return spec;
}

inline Bytes build_zip_file(const pk::Opcodes& root, const Stored& storages) {
  return build_zip(torch_zip(root, storages)).bytes;
}

inline std::string little_endian(std::uint64_t value) { return pk::number_bytes(value, 8); }

inline pk::Opcodes machine(bool is_little = true) { return pk::dict({{pk::text("little_endian"), pk::boolean(is_little)}}); }

// A legacy file; `elements` of each storage are in front of its bytes.
struct LegacyStorage {
  std::string key;
  std::uint64_t elements;
  Bytes bytes;
};
inline Bytes build_legacy(const pk::Opcodes& root, const std::vector<LegacyStorage>& storages) {
  std::vector<pk::Opcodes> keys;
  for (const LegacyStorage& one : storages)
    keys.push_back(pk::text(one.key));
  std::string file("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  file += pk::pickle(pk::integer(1001)) + pk::pickle(machine()) + pk::pickle(root) + pk::pickle(pk::list(keys));
  Bytes bytes = bytes_of(file);
  for (const LegacyStorage& one : storages) {
    const Bytes count = bytes_of(little_endian(one.elements));
    bytes.insert(bytes.end(), count.begin(), count.end());
    bytes.insert(bytes.end(), one.bytes.begin(), one.bytes.end());
  }
  return bytes;
}

using Members = std::vector<std::pair<std::string, std::string>>;

inline Bytes build_tar(const Members& members) {
  std::string file;
  for (const auto& [name, content] : members) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    put(0, name), put(100, "0000644"), put(148, "        ");
    char size[16];
    std::snprintf(size, sizeof size, "%011lo", static_cast<unsigned long>(content.size()));
    put(124, size), put(156, "0"), put(257, "ustar");
    unsigned long sum = 0;
    for (const char c : header)
      sum += static_cast<unsigned char>(c);
    char text[16];
    std::snprintf(text, sizeof text, "%06lo", sum);
    put(148, text);
    file += header + content + std::string((512 - content.size() % 512) % 512, '\0');
  }
  return bytes_of(file + std::string(1024, '\0'));
}

// A matrix of 2 x 3 doubles with the key 7, seen as its transpose.
inline Members tar_members() {
  const std::string values = "........" + std::string(40, 'x');
  return {{"sys_info", pk::pickle(machine())},
          {"storages", pk::pickle(pk::integer(1)) +
                           pk::pickle(pk::tuple({pk::integer(5), pk::text("cpu"), pk::global("torch", "DoubleStorage")})) +
                           little_endian(6) + values + pk::pickle(pk::list({}))},
          {"tensors", pk::pickle(pk::integer(1)) +
                          pk::pickle(pk::tuple({pk::integer(7), pk::integer(5), pk::global("torch", "DoubleTensor")})) +
                          pk::number_bytes(2, 4) + pk::number_bytes(0, 4) + little_endian(3) + little_endian(2) +
                          little_endian(1) + little_endian(3) + little_endian(0)},
          {"pickle", pk::pickle(pk::dict({{pk::text("w"), pk::persistent(pk::integer(7))}}))}};
}

// What the reader makes of files.
struct Read {
  std::unique_ptr<MemoryHost> host;
  Result<std::unique_ptr<OpenCheckpoint>> opened = fail(Code::internal, "not opened");

  const Checkpoint& checkpoint() const { return (*opened)->description(); }
  const Tensor* find(std::string_view name) const {
    for (const Tensor& one : checkpoint().tensors)
      if (one.name == name)
        return &one;
    return nullptr;
  }
  // All bytes of a tensor, as they lie or as they are decoded.
  Bytes bytes_of_tensor(std::string_view name) const {
    const Tensor& wanted = *find(name);
    std::uint64_t size = checkpoint().find_encoding(wanted.encoding)->block_bytes;
    for (const std::uint64_t dimension : wanted.shape)
      size *= dimension;
    Bytes bytes(size);
    const auto number = static_cast<std::uint32_t>(&wanted - checkpoint().tensors.data());
    Result<void> done;
    if (wanted.decoded)
      done = (*opened)->decode(number, 0, bytes);
    else if (size != 0)
      done = host->files().read(checkpoint().files[wanted.extents[0].file].name, wanted.extents[0].offset, bytes);
    return done ? bytes : bytes_of(done.error().message);
  }
};

inline Read read_files(std::map<std::string, Bytes> files, const std::string& primary, const Options& options = {}) {
  Read read;
  read.host = std::make_unique<MemoryHost>(std::move(files), primary);
  read.opened = pytorch::PytorchReader().open(0, read.host->files(), options);
  return read;
}
inline Read read_file(const Bytes& bytes, const Options& options = {}) { return read_files({{"a.pt", bytes}}, "a.pt", options); }

}  // namespace heirloom::test
