// Source: a checkpoint that has been opened and whose description has been verified: from here on every number in it
// is trusted. Owns the files and keeps the reader alive. Constant after creation, usable from any thread.
#pragma once

#include "engine/base/file_set.hpp"
#include "engine/model/range_checks.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heirloom::model {

// Limits on what a description may say.
inline constexpr std::uint64_t max_tensors = 4'000'000;
inline constexpr std::uint64_t max_attrs = 1'000'000;
inline constexpr std::uint64_t max_files = 100'000;
inline constexpr std::uint64_t max_encodings = 1'000;
inline constexpr std::size_t max_dimensions = 64;
inline constexpr std::size_t max_name_bytes = 65'535;

// Checks what a description means: safe and existing file names with their true sizes, known encodings with their
// well-known geometry (heirloom/encodings.hpp), unique tensor and attribute names, extents inside their files that
// together are shape x encoding, no overlap between tensors unless they may share, booleans 0 or 1, attribute data of
// the right width, checksums of ranges inside their files, none of the same bytes.
// Extents of `decoded` tensors only have to lie inside their files. `file_size` gives the true size of a file. The
// first violation is an error that names tensor, file and byte.
Result<void> validate(const Checkpoint& checkpoint,
                      const std::function<Result<std::uint64_t>(std::string_view name)>& file_size);

// Checks a writer's answer: every tensor placed once with its exact size, no two ranges overlapping, everything inside
// its file, file names without directories, unique. A violation is the writer's bug (internal).
Result<void> validate(const Layout& layout, const Checkpoint& checkpoint);

// Bytes of a tensor of a valid checkpoint.
std::uint64_t tensor_bytes(const Checkpoint& checkpoint, const Tensor& tensor);
std::uint64_t tensor_elements(const Tensor& tensor);

struct Source {
  std::unique_ptr<base::FileSet> files;
  Checkpoint checkpoint;
  std::string plugin;  // id of the plugin that read it
  // Bytes of tensors marked `decoded`; empty when there are none. Any thread.
  std::function<Result<void>(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out)> decode;

  // Of a container that carries checksums; null otherwise.
  std::unique_ptr<RangeChecks> checks;

  // Bytes [offset, offset + out.size()) of a tensor, as stored, across its extents. They count towards the checksums of
  // the container; the read that completes a damaged range is refused.
  Result<void> read(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const;
  // After the last read: verifies the checksums of what was read in part. The error names tensor, file and byte.
  Result<void> finish_checks() const;
  void will_need(std::uint32_t tensor, std::uint64_t offset, std::uint64_t size) const;

 private:
  Result<void> read_decoded(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const;
  Result<void> read_piece(std::uint32_t tensor, std::uint32_t file, std::uint64_t at, std::span<std::uint8_t> out) const;
  Result<void> located(Result<void> checked) const;
};

}  // namespace heirloom::model
