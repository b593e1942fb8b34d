#include "plugins/pytorch/zip_records.hpp"

#include "heirloom/checked.hpp"
#include "plugins/common/zip/crc32.hpp"
#include "plugins/common/zip/directory.hpp"

#include <algorithm>
#include <numeric>

namespace heirloom::pytorch {
namespace {

constexpr std::uint64_t alignment = 64;
constexpr std::uint64_t wide = 0xffff'ffff;  // from here on a number goes into a zip64 field
constexpr std::uint64_t padding_header = 4;  // "FB" and a size

// The file's name without its last suffix.
std::string folder_of(const std::string& file) {
  const std::string stem = file.substr(0, std::min(file.rfind('.'), file.size()));
  return stem.empty() || !zip::check_outgoing_name(stem + "/version") ? "archive" : stem;
}

class Builder {
 public:
  explicit Builder(std::string folder) : folder_(std::move(folder)) {}

  Result<void> add(const std::string& name, std::uint64_t size, std::int64_t saved, std::vector<std::uint8_t> content) {
    Record record{{folder_ + "/" + name, size, at_}, {}, 0, 0, saved, std::move(content)};
    record.member.flags = static_cast<std::uint16_t>(zip::flag_utf8 | (size == 0 ? 0 : zip::flag_descriptor));
    record.member.crc32 = zip::crc32(record.content);
    std::vector<std::uint64_t> numbers;
    if (size >= wide)
      numbers = {size, size};
    if (at_ >= wide)
      numbers.push_back(at_);
    add_header(record, numbers);
    HEIRLOOM_TRY(record.payload, checked::add(at_, record.header.size()));
    record.descriptor_bytes = size == 0 ? 0 : numbers.empty() ? 16 : 24;
    HEIRLOOM_TRY(at_, checked::add(record.payload, size));
    HEIRLOOM_TRY(at_, checked::add(at_, record.descriptor_bytes));
    records_.push_back(std::move(record));
    return {};
  }

  Records finish() && { return {std::move(records_), at_}; }

 private:
  // | local header | zip64? | "FB" | u16 n | n times 'Z' |, so that the payload is aligned.
  void add_header(Record& record, const std::vector<std::uint64_t>& numbers) {
    const std::uint64_t zip64 = numbers.empty() ? 0 : 4 + 8 * numbers.size();
    const std::uint64_t start = at_ + zip::local_bytes_of(record.member.name) + zip64 + padding_header;
    const std::uint64_t padding = (alignment - start % alignment) % alignment;
    // PyTorch's writer gives no sizes here, an empty record's least of all.
    zip::append_local(record.header, zip::torch_style, record.member, zip64 + padding_header + padding);
    zip::append_zip64(record.header, numbers);
    record.header.insert(record.header.end(), {'F', 'B'});
    zip::append_number(record.header, padding, 2);
    record.header.insert(record.header.end(), padding, 'Z');
  }

  std::string folder_;
  std::uint64_t at_ = 0;
  std::vector<Record> records_;
};

}  // namespace

// Storages lie in the order of their names as text: 0, 1, 10, 11, 2.
Result<Records> records_of(const std::string& file, const std::vector<Saved>& tensors) {
  Builder builder(folder_of(file));
  std::vector<std::uint8_t> pickle = state_dict(tensors);
  const std::uint64_t pickle_size = pickle.size();
  HEIRLOOM_CHECK(builder.add("data.pkl", pickle_size, -1, std::move(pickle)));
  std::vector<std::string> keys(tensors.size());
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  for (const std::size_t i : order)
    keys[i] = std::to_string(i);
  std::ranges::sort(order, {}, [&](std::size_t i) -> const std::string& { return keys[i]; });
  for (const std::size_t i : order)
    HEIRLOOM_CHECK(builder.add("data/" + keys[i], tensors[i].size_bytes, static_cast<std::int64_t>(i), {}));
  HEIRLOOM_CHECK(builder.add("version", 2, -1, {'3', '\n'}));
  return std::move(builder).finish();
}

std::vector<std::uint8_t> descriptor(const Record& record) {
  std::vector<std::uint8_t> out;
  if (record.descriptor_bytes == 0)
    return out;
  const int width = record.descriptor_bytes == 16 ? 4 : 8;
  zip::append_number(out, 0x08074b50, 4);
  zip::append_number(out, record.member.crc32, 4);
  zip::append_number(out, record.member.size, width);
  zip::append_number(out, record.member.size, width);
  return out;
}

std::vector<std::uint8_t> directory(const Records& records) {
  std::vector<zip::Outgoing> members;
  for (const Record& record : records.records)
    members.push_back(record.member);
  std::vector<std::uint8_t> out;
  zip::append_directory(out, zip::torch_style, members, records.directory_begin);
  return out;
}

}  // namespace heirloom::pytorch
