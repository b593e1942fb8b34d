#include "engine/model/range_checks.hpp"

#include "engine/base/crc32.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace heirloom::model {
namespace {

constexpr std::uint64_t buffer_bytes = 1u << 20;

// Parts of [begin, end) that no run covers.
template <class Runs>
std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps(const Runs& runs, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
  auto run = runs.upper_bound(begin);
  if (run != runs.begin())
    --run;
  for (; run != runs.end() && run->first < end && begin < end; ++run) {
    if (run->first > begin)
      found.emplace_back(begin, run->first);
    begin = std::max(begin, run->first + run->second.size);
  }
  if (begin < end)
    found.emplace_back(begin, end);
  return found;
}

}  // namespace

RangeChecks::RangeChecks(const std::vector<Checksum>& checksums) {
  for (const Checksum& checksum : checksums)
    if (checksum.size != 0)
      ranges_.push_back({checksum});
  std::ranges::sort(ranges_, {}, [](const Range& range) { return std::pair(range.checksum.file, range.checksum.offset); });
}

// The first range that ends behind this byte.
RangeChecks::Ranges::iterator RangeChecks::first_at(std::uint32_t file, std::uint64_t offset) {
  return std::ranges::upper_bound(ranges_, std::pair(file, offset), {}, [](const Range& range) {
    return std::pair(range.checksum.file, range.checksum.offset + range.checksum.size);
  });
}

void RangeChecks::mark(Range& range, std::uint32_t tensor) {
  if (!std::exchange(range.is_touched, true))
    range.tensor = tensor;
}

Result<void> RangeChecks::add(const Checkpoint& checkpoint, std::uint32_t tensor, std::uint32_t file,
                              std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  const std::uint64_t end = offset + bytes.size();
  for (auto range = first_at(file, offset);
       range != ranges_.end() && range->checksum.file == file && range->checksum.offset < end; ++range) {
    const std::uint64_t from = std::max(offset, range->checksum.offset);
    const std::uint64_t to = std::min(end, range->checksum.offset + range->checksum.size);
    {
      const std::lock_guard lock(mutex_);
      mark(*range, tensor);
    }
    HEIRLOOM_CHECK(add_to(checkpoint, *range, from, bytes.subspan(from - offset, to - from)));
  }
  return {};
}

// What two threads read at the same time counts once: the later finds no gap any more, and only repeated its work.
Result<void> RangeChecks::add_to(const Checkpoint& checkpoint, Range& range, std::uint64_t offset,
                                 std::span<const std::uint8_t> bytes) {
  std::unique_lock lock(mutex_);
  if (range.is_verified)
    return {};
  const auto wanted = gaps(range.runs, offset, offset + bytes.size());
  for (const auto& [begin, end] : wanted) {
    lock.unlock();
    const std::uint32_t crc = base::crc32(bytes.subspan(begin - offset, end - begin));
    lock.lock();
    if (range.is_verified)
      return {};
    const auto left = gaps(range.runs, begin, end);
    if (left.size() == 1 && left.front() == std::pair(begin, end))
      HEIRLOOM_CHECK(insert(checkpoint, range, begin, {end - begin, crc}));
  }
  return {};
}

// Called with the lock, for bytes that no run covers.
Result<void> RangeChecks::insert(const Checkpoint& checkpoint, Range& range, std::uint64_t offset, Run run) {
  auto after = range.runs.lower_bound(offset);
  if (after != range.runs.end() && after->first == offset + run.size) {
    run.crc = base::crc32_combine(run.crc, after->second.crc, after->second.size);
    run.size += after->second.size;
    after = range.runs.erase(after);
  }
  if (after != range.runs.begin())
    if (const auto before = std::prev(after); before->first + before->second.size == offset) {
      run.crc = base::crc32_combine(before->second.crc, run.crc, run.size);
      run.size += before->second.size;
      offset = before->first;
      range.runs.erase(before);
    }
  if (run.size != range.checksum.size) {
    range.runs.emplace(offset, run);
    return {};
  }
  range.is_verified = true;
  range.runs.clear();
  if (run.crc == range.checksum.crc32)
    return {};
  char text[128];
  std::snprintf(text, sizeof text, "%llu bytes from here have CRC-32 0x%08x, but the file says 0x%08x: it is damaged",
                static_cast<unsigned long long>(run.size), static_cast<unsigned>(run.crc),
                static_cast<unsigned>(range.checksum.crc32));
  return fail(Error{Code::malformed, text, offset, checkpoint.files[range.checksum.file].name,
                    checkpoint.tensors[range.tensor].name});
}

void RangeChecks::touch(std::uint32_t tensor, const Extent& extent) {
  const std::lock_guard lock(mutex_);
  for (auto range = first_at(extent.file, extent.offset); range != ranges_.end() && range->checksum.file == extent.file &&
                                                          range->checksum.offset < extent.offset + extent.size;
       ++range)
    mark(*range, tensor);
}

Result<void> RangeChecks::finish(const Checkpoint& checkpoint, const base::FileSet& files) {
  std::vector<std::uint8_t> buffer;
  for (Range& range : ranges_) {
    const Checksum& checksum = range.checksum;
    while (range.is_touched && !range.is_verified) {
      const auto [begin, end] = gaps(range.runs, checksum.offset, checksum.offset + checksum.size).front();
      buffer.resize(std::min(buffer_bytes, end - begin));
      HEIRLOOM_CHECK(files.read(checkpoint.files[checksum.file].name, begin, buffer));
      HEIRLOOM_CHECK(add_to(checkpoint, range, begin, buffer));
    }
  }
  return {};
}

}  // namespace heirloom::model
