#include "support.hpp"

#include <algorithm>
#include <set>

namespace heirloom::test {

namespace {

class Assembler {
 public:
  explicit Assembler(bool big_endian) { built_.big_endian = big_endian; }

  void mark(const std::string& name) { built_.at[name] = built_.bytes.size(); }
  void number(std::uint64_t value, std::uint32_t width) {
    for (std::uint32_t i = 0; i < width; ++i) {
      const std::uint32_t shift = 8 * (built_.big_endian ? width - 1 - i : i);
      built_.bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  void raw(const Bytes& bytes) { built_.bytes.insert(built_.bytes.end(), bytes.begin(), bytes.end()); }
  void text(const std::string& text) {
    number(text.size(), 8);
    raw(Bytes(text.begin(), text.end()));
  }
  void pad(std::uint64_t alignment) {
    while (built_.bytes.size() % alignment != 0)
      built_.bytes.push_back(0);
  }
  void attr(const Attr& attr) {
    mark("key:" + attr.key);
    text(attr.key);
    mark("type:" + attr.key);
    number(static_cast<std::uint32_t>(attr.type), 4);
    const bool is_array = attr.type == AttrType::array;
    if (is_array) {
      mark("element:" + attr.key);
      number(static_cast<std::uint32_t>(attr.element), 4);
      mark("count:" + attr.key);
      number(attr.count(), 8);
    }
    mark("value:" + attr.key);
    const std::uint32_t width = width_of(is_array ? attr.element : attr.type);
    for (std::size_t i = 0; width != 0 && i < attr.data.size(); i += width) {
      std::uint64_t value = 0;
      std::memcpy(&value, attr.data.data() + i, width);
      number(value, width);
    }
    for (const std::string& string : attr.strings)
      text(string);
  }
  Built take() { return std::move(built_); }

 private:
  Built built_;
};

}  // namespace

void Built::put(const std::string& mark, std::uint64_t value, std::uint32_t width) {
  for (std::uint32_t i = 0; i < width; ++i)
    bytes.at(at.at(mark) + i) = static_cast<std::uint8_t>(value >> (8 * (big_endian ? width - 1 - i : i)));
}

Built build(const FileSpec& spec) {
  Assembler out(spec.big_endian);
  out.raw({'G', 'G', 'U', 'F'});
  out.mark("version");
  out.number(spec.version, 4);
  out.mark("tensors");
  out.number(spec.tensors.size(), 8);
  out.mark("items");
  out.number(spec.attrs.size(), 8);
  for (const Attr& attr : spec.attrs)
    out.attr(attr);
  std::uint64_t offset = 0;
  for (const TensorSpec& tensor : spec.tensors) {
    out.mark("name:" + tensor.name);
    out.text(tensor.name);
    out.mark("n_dims:" + tensor.name);
    out.number(tensor.ne.size(), 4);
    for (std::size_t i = 0; i < tensor.ne.size(); ++i) {
      out.mark("ne" + std::to_string(i) + ":" + tensor.name);
      out.number(tensor.ne[i], 8);
    }
    out.mark("code:" + tensor.name);
    out.number(tensor.type, 4);
    out.mark("offset:" + tensor.name);
    out.number(offset, 8);
    offset += (tensor.bytes.size() + spec.alignment - 1) / spec.alignment * spec.alignment;
  }
  out.mark("table_end");
  if (!spec.tensors.empty())
    out.pad(spec.alignment);
  out.mark("data");
  for (const TensorSpec& tensor : spec.tensors) {
    out.raw(tensor.bytes);
    out.pad(spec.alignment);
  }
  return out.take();
}

FileSpec small_spec() {
  FileSpec spec;
  spec.attrs = {Attr::text("general.architecture", "test"), Attr::scalar<std::uint32_t>("general.alignment", 32),
                Attr::scalar<bool>("flag", true), Attr::array<std::uint16_t>("list", {1, 2, 3}),
                Attr::texts("names", {"a", "", "bc"})};
  spec.tensors = {{"first", {4, 2}, 0, noise(32, 1)}, {"other", {32, 1, 2}, 8, noise(68, 2)}};
  return spec;
}

Bytes noise(std::size_t count, std::uint32_t seed) {
  Bytes bytes(count);
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

Result<Checkpoint> read_model(const FileMap& files, const std::string& primary) {
  const MemoryHost host(files, primary);
  return gguf::GgufReader().read(0, host.files(), {});
}

Result<Checkpoint> read_one(const Bytes& bytes) { return read_model({{"a.gguf", bytes}}, "a.gguf"); }

std::vector<Bytes> tensor_bytes(const Checkpoint& checkpoint, const FileMap& files) {
  std::vector<Bytes> all;
  for (const Tensor& tensor : checkpoint.tensors) {
    Bytes bytes;
    for (const Extent& extent : tensor.extents) {
      const auto start = files.at(checkpoint.files.at(extent.file).name).begin() +
                         static_cast<std::ptrdiff_t>(extent.offset);
      bytes.insert(bytes.end(), start, start + static_cast<std::ptrdiff_t>(extent.size));
    }
    all.push_back(std::move(bytes));
  }
  return all;
}

Checkpoint without_places(Checkpoint checkpoint) {
  checkpoint.files.clear();
  for (Tensor& tensor : checkpoint.tensors)
    tensor.extents.clear();
  return checkpoint;
}

Options options(const std::string& target_name, std::uint64_t max_shard_size) {
  Options all = {Attr::text("target_name", target_name)};
  if (max_shard_size != 0)
    all.push_back(Attr::scalar("max_shard_size", max_shard_size));
  return all;
}

Result<FileMap> rewrite(const FileMap& files, const std::string& primary, const Options& options) {
  HEIRLOOM_TRY(const Checkpoint checkpoint, read_model(files, primary));
  HEIRLOOM_TRY(const Layout layout, gguf::GgufWriter().plan(0, without_places(checkpoint), options));
  return materialize(layout, tensor_bytes(checkpoint, files));
}

std::string fault_of(const Checkpoint& checkpoint, const FileMap& files) {
  std::set<std::string> names;
  std::vector<Extent> taken;
  for (const Tensor& tensor : checkpoint.tensors) {
    if (!names.insert(tensor.name).second)
      return "two tensors are called " + tensor.name;
    const Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
    if (encoding == nullptr)
      return tensor.name + " has an encoding that is not listed";
    const auto wanted = checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes);
    std::uint64_t found = 0;
    for (const Extent& extent : tensor.extents) {
      const File& file = checkpoint.files.at(extent.file);
      if (files.at(file.name).size() != file.size || extent.offset > file.size ||
          extent.size > file.size - extent.offset)
        return tensor.name + " lies outside of its file";
      for (const Extent& other : taken)
        if (other.file == extent.file && extent.offset < other.offset + other.size &&
            other.offset < extent.offset + extent.size)
          return tensor.name + " overlaps another tensor";
      taken.push_back(extent);
      found += extent.size;
    }
    if (!wanted || *wanted != found)
      return tensor.name + " has extents of a size that is not its own";
  }
  std::set<std::string> keys;
  for (const Attr& attr : checkpoint.attrs)
    if (attr.key.empty() || !keys.insert(attr.key).second)
      return "key \"" + attr.key + "\" is empty or there twice";
  return "";
}

}  // namespace heirloom::test
