// A host whose files lie in memory, for tests and fuzz targets of plugins: MemoryHost host{{"a.gguf", bytes}}.
#pragma once

#include "heirloom/abi.h"
#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::test {

using Bytes = std::vector<std::uint8_t>;

class MemoryHost {
 public:
  // `primary` is the file that the user gave; "" for a directory.
  explicit MemoryHost(std::map<std::string, Bytes> files, std::string primary = "")
      : files_(std::move(files)), primary_(std::move(primary)) {
    host_.abi_major = HEIRLOOM_ABI_MAJOR;
    host_.abi_minor = HEIRLOOM_ABI_MINOR;
    host_.context = this;
    host_.get_interface = get_interface;
  }
  MemoryHost(const MemoryHost&) = delete;
  MemoryHost& operator=(const MemoryHost&) = delete;

  const heirloom_host* get() const { return &host_; }
  Files files() const { return Files::of(&host_).value(); }

 private:
  static const MemoryHost& self(const heirloom_host* host) { return *static_cast<const MemoryHost*>(host->context); }

  static const void* get_interface(const heirloom_host*, const char* id) {
    static constexpr heirloom_host_files_1 table{primary, count, name, size, read};
    return std::strcmp(id, HEIRLOOM_HOST_FILES_1) == 0 ? &table : nullptr;
  }
  static const char* primary(const heirloom_host* host) { return self(host).primary_.c_str(); }
  static std::uint32_t count(const heirloom_host* host) { return static_cast<std::uint32_t>(self(host).files_.size()); }
  static const char* name(const heirloom_host* host, std::uint32_t index) {
    const auto& files = self(host).files_;
    if (index >= files.size())
      return nullptr;
    return std::next(files.begin(), static_cast<std::ptrdiff_t>(index))->first.c_str();
  }
  static heirloom_status refuse(heirloom_error* error, const char* message) {
    std::strncpy(error->message, message, sizeof error->message - 1);
    return HEIRLOOM_IO;
  }
  static heirloom_status size(const heirloom_host* host, const char* name, std::uint64_t* size, heirloom_error* error) {
    const auto found = self(host).files_.find(name);
    if (found == self(host).files_.end())
      return refuse(error, "no such file");
    *size = found->second.size();
    return HEIRLOOM_OK;
  }
  static heirloom_status read(const heirloom_host* host, const char* name, std::uint64_t offset, void* buffer,
                              std::uint64_t size, heirloom_error* error) {
    const auto found = self(host).files_.find(name);
    if (found == self(host).files_.end())
      return refuse(error, "no such file");
    if (offset > found->second.size() || size > found->second.size() - offset)
      return refuse(error, "read past the end");
    if (size != 0)
      std::memcpy(buffer, found->second.data() + offset, size);
    return HEIRLOOM_OK;
  }

  std::map<std::string, Bytes> files_;
  std::string primary_;
  heirloom_host host_{};
};

// The files that a layout and the tensors' bytes make; placements[i] takes tensor_bytes[placements[i].tensor].
inline std::map<std::string, Bytes> materialize(const Layout& layout, const std::vector<Bytes>& tensor_bytes) {
  std::vector<Bytes> contents;
  for (const File& file : layout.files)
    contents.emplace_back(file.size, std::uint8_t{0});
  const auto put = [&](std::uint32_t file, std::uint64_t offset, const Bytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), contents.at(file).begin() + static_cast<std::ptrdiff_t>(offset));
  };
  for (const Literal& literal : layout.literals)
    put(literal.file, literal.offset, literal.bytes);
  for (const Placement& placement : layout.placements)
    put(placement.file, placement.offset, tensor_bytes.at(placement.tensor));
  std::map<std::string, Bytes> files;
  for (std::size_t i = 0; i < contents.size(); ++i)
    files[layout.files[i].name] = std::move(contents[i]);
  return files;
}

}  // namespace heirloom::test
