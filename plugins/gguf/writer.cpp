#include "writer.hpp"

#include "file.hpp"
#include "limits.hpp"
#include "metadata.hpp"
#include "splits.hpp"
#include "tensor_table.hpp"
#include "types.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace heirloom::gguf {

namespace {

constexpr std::uint32_t written_version = 3;

struct WriteOptions {
  std::uint64_t max_shard_size = 0;  // 0: one file
  std::string target_name = "model.gguf";
  std::uint64_t set_files = 0;       // of the set whose first file this is; 0: it is whole
  std::uint64_t set_tensors = 0;
};

Result<WriteOptions> parse_options(const Options& options) {
  WriteOptions out;
  const std::pair<std::string_view, std::uint64_t WriteOptions::*> numbers[] = {{"max_shard_size", &WriteOptions::max_shard_size},
                                                                              {"set_files", &WriteOptions::set_files},
                                                                              {"set_tensors", &WriteOptions::set_tensors}};
  for (const Attr& option : options) {
    const auto number = std::find_if(std::begin(numbers), std::end(numbers), [&](const auto& row) { return row.first == option.key; });
    const bool is_number = number != std::end(numbers);
    if (is_number && option.type == AttrType::u64 && option.get<std::uint64_t>()) {
      out.*number->second = *option.get<std::uint64_t>();
    } else if (option.key == "target_name" && option.get_text()) {
      out.target_name = *option.get_text();
    } else if (is_number || option.key == "target_name") {
      return fail(Code::misuse, "option \"" + option.key + "\" is not of its type");
    } else {
      return fail(Code::misuse, "unknown option \"" + option.key + "\"");
    }
  }
  if (out.set_files > UINT16_MAX || out.set_tensors > INT32_MAX || (out.set_files > 1 && out.max_shard_size != 0))
    return fail(Code::misuse, "set_files and set_tensors are of one file of a set, at most 65535 and 2147483647");
  const std::string& name = out.target_name;
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\\\0", 3)) != name.npos)
    return fail(Code::misuse, "\"" + name + "\" is not a file name");
  return out;
}

// A tensor as it is written.
struct Item {
  std::uint32_t code = 0;
  std::uint64_t size = 0;
};

Result<Item> measure_item(const Tensor& tensor, const Checkpoint& checkpoint) {
  if (tensor.name.size() > max_name_bytes)
    return fail(Code::unsupported, "the name has " + std::to_string(tensor.name.size()) +
                                       " bytes, but 63 are the most in this format");
  if (tensor.name.find('\0') != std::string::npos)
    return fail(Code::unsupported, "the name has a NUL byte");
  if (tensor.shape.size() > max_dimensions)
    return fail(Code::unsupported,
                std::to_string(tensor.shape.size()) + " dimensions, but 4 are the most in this format");
  if (tensor.big_endian)
    return fail(Code::misuse, "the tensor is big endian, but the file is written little endian");
  const auto code = code_of(tensor.encoding);
  if (!code)
    return fail(Code::unsupported, "this format has no encoding \"" + tensor.encoding + "\"");
  const WellKnownEncoding& encoding = *encoding_of(*code);
  const Encoding* described = checkpoint.find_encoding(tensor.encoding);
  if (described == nullptr || described->block_elements != encoding.block_elements ||
      described->block_bytes != encoding.block_bytes)
    return fail(Code::misuse, "encoding \"" + tensor.encoding + "\" is not described as it is");
  Result<std::uint64_t> size = measure(tensor.shape, encoding);
  if (!size)
    return fail(Code::unsupported, std::move(size).error().message);
  if (*size == 0)
    return fail(Code::unsupported, "the tensor is empty, which this format does not allow");
  return Item{*code, *size};
}

Result<std::vector<Item>> measure_all(const Checkpoint& checkpoint) {
  std::vector<Item> items;
  items.reserve(checkpoint.tensors.size());
  std::unordered_set<std::string_view> names;
  for (const Tensor& tensor : checkpoint.tensors) {
    Result<Item> item = measure_item(tensor, checkpoint);
    if (item && !names.insert(tensor.name).second)
      item = fail(Code::misuse, "two tensors have this name");
    if (!item)
      return fail(std::move(item).error().at_tensor(tensor.name));
    items.push_back(*item);
  }
  return items;
}

Result<void> check_attrs(const std::vector<Attr>& attrs) {
  std::unordered_set<std::string_view> keys;
  for (const Attr& attr : attrs) {
    HEIRLOOM_CHECK(check_attr(attr));
    if (!keys.insert(attr.key).second)
      return fail(Code::misuse, "key \"" + attr.key + "\" is given twice");
  }
  return {};
}

// Index of each shard's first tensor. A shard takes tensors as long as their sizes, without padding, stay within the
// limit; it has at least one (formats/facts/gguf.md#splits).
std::vector<std::size_t> partition(const std::vector<Item>& items, std::uint64_t limit) {
  std::vector<std::size_t> starts = {0};
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_first = i == starts.back();
    if (limit != 0 && !is_first && (items[i].size > limit || used > limit - items[i].size)) {
      starts.push_back(i);
      used = 0;
    }
    used += items[i].size;
  }
  return starts;
}

// Metadata of shard `number` (from 0) of `count` with `tensors` in all.
std::vector<Attr> attrs_of_shard(const Checkpoint& checkpoint, std::uint32_t number, std::uint32_t count, std::uint64_t tensors) {
  if (count == 1)
    return checkpoint.attrs;
  std::vector<Attr> attrs;
  for (const Attr& attr : checkpoint.attrs)
    if (!is_split_key(attr.key) && (number == 0 || attr.key == alignment_key))
      attrs.push_back(attr);
  for (Attr& key : make_split_keys(number, count, tensors))
    attrs.push_back(std::move(key));
  return attrs;
}

// Lays tensors [first, last) out as one file, which is appended to `layout`.
class FilePlan {
 public:
  FilePlan(const Checkpoint& checkpoint, const std::vector<Item>& items, std::uint32_t alignment, Layout& layout)
      : checkpoint_(checkpoint), items_(items), alignment_(alignment), layout_(layout) {}

  Result<void> add(std::string name, const std::vector<Attr>& attrs, std::size_t first, std::size_t last) {
    const auto file = static_cast<std::uint32_t>(layout_.files.size());
    HEIRLOOM_TRY(std::vector<std::uint8_t> header, make_header(attrs, first, last));
    if (header.size() > max_header_bytes)
      return fail(Code::limit, "the header would be larger than " + std::to_string(max_header_bytes) + " bytes");
    std::uint64_t size = header.size();
    for (std::size_t i = first; i < last; ++i) {
      HEIRLOOM_TRY(size, checked::align_up(size, alignment_));
      layout_.placements.push_back({static_cast<std::uint32_t>(i), file, size, items_[i].size});
      HEIRLOOM_TRY(size, checked::add(size, items_[i].size));
    }
    if (first != last) {
      HEIRLOOM_TRY(size, checked::align_up(size, alignment_));
    }
    layout_.files.push_back({std::move(name), size});
    layout_.literals.push_back({file, 0, std::move(header)});
    return {};
  }

 private:
  Result<std::vector<std::uint8_t>> make_header(const std::vector<Attr>& attrs, std::size_t first,
                                                std::size_t last) const {
    ByteWriter out;
    out.bytes({'G', 'G', 'U', 'F'});
    out.u32(written_version);
    out.u64(last - first);
    out.u64(attrs.size());
    for (const Attr& attr : attrs)
      out.attr(attr);
    std::uint64_t offset = 0;
    for (std::size_t i = first; i < last; ++i) {
      const Tensor& tensor = checkpoint_.tensors[i];
      out.string(tensor.name);
      out.u32(static_cast<std::uint32_t>(tensor.shape.size()));
      for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension)
        out.u64(*dimension);
      out.u32(items_[i].code);
      out.u64(offset);
      HEIRLOOM_TRY(const std::uint64_t end, checked::add(offset, items_[i].size));
      HEIRLOOM_TRY(offset, checked::align_up(end, alignment_));
    }
    return std::move(out).take();
  }

  const Checkpoint& checkpoint_;
  const std::vector<Item>& items_;
  std::uint32_t alignment_;
  Layout& layout_;
};

// Keys that call the model a part of a set would make the one file that is written unreadable.
Result<void> check_whole(const std::vector<Attr>& attrs) {
  const Attr* count = find_attr(attrs, "split.count");
  if (count != nullptr && count->get_integer().value_or(2) > 1)
    return fail(Code::misuse, "split.count says that the model is one of several files, but it is written whole");
  return {};
}

}  // namespace

Result<Layout> GgufWriter::plan(std::uint32_t, const Checkpoint& checkpoint, const Options& options) const {
  HEIRLOOM_TRY(const WriteOptions wanted, parse_options(options));
  HEIRLOOM_CHECK(check_attrs(checkpoint.attrs));
  HEIRLOOM_TRY(const std::uint32_t alignment, alignment_of(checkpoint.attrs, Code::misuse));
  HEIRLOOM_TRY(const std::vector<Item> items, measure_all(checkpoint));
  const std::vector<std::size_t> starts = partition(items, wanted.max_shard_size);
  if (starts.size() > UINT16_MAX)
    return fail(Code::limit, std::to_string(starts.size()) + " files, but 65535 are the most; raise max_shard_size");
  const auto count = static_cast<std::uint32_t>(starts.size());
  if (count == 1) {
    HEIRLOOM_CHECK(check_whole(checkpoint.attrs));
  }
  std::string_view stem = wanted.target_name;
  if (stem.ends_with(".gguf"))
    stem.remove_suffix(5);
  Layout layout;
  FilePlan file_plan(checkpoint, items, alignment, layout);
  if (wanted.set_files > 1) {
    const auto set_files = static_cast<std::uint32_t>(wanted.set_files);
    HEIRLOOM_CHECK(file_plan.add(wanted.target_name, attrs_of_shard(checkpoint, 0, set_files, wanted.set_tensors), 0, items.size()));
    return layout;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t last = i + 1 < count ? starts[i + 1] : items.size();
    std::string name = count == 1 ? wanted.target_name : shard_name(stem, i + 1, count);
    HEIRLOOM_CHECK(file_plan.add(std::move(name), attrs_of_shard(checkpoint, i, count, items.size()), starts[i], last));
  }
  return layout;
}

}  // namespace heirloom::gguf
