#include "plugins/numpy/reader.hpp"

#include "plugins/common/zip/contents.hpp"
#include "plugins/numpy/fortran.hpp"
#include "plugins/numpy/header.hpp"

#include <algorithm>
#include <optional>

namespace heirloom::numpy {
namespace {

constexpr std::string_view suffix = ".npy";

std::string without_suffix(std::string name) {
  if (name.size() > suffix.size() && name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  return name;
}

// Two dimensions of more than one element make a difference.
bool is_turned(const Header& header) {
  return header.is_fortran_order &&
         std::ranges::count_if(header.shape, [](std::uint64_t dimension) { return dimension > 1; }) > 1 &&
         header.data_bytes != 0;
}

Result<void> check_end(const Header& header, std::uint64_t size) {
  if (header.data_offset + header.data_bytes < header.data_offset || header.data_offset + header.data_bytes > size)
    return fail(Code::malformed, "the array has " + std::to_string(header.data_bytes) + " bytes, but the file ends after " +
                                     std::to_string(size - header.data_offset) + " of them", size);
  if (header.data_offset + header.data_bytes < size)
    return fail(Code::malformed, "bytes follow the array; only files of one array are read",
                header.data_offset + header.data_bytes);
  return {};
}

class Opened final : public OpenCheckpoint {
 public:
  explicit Opened(const Files& files) : files_(files) {}

  Result<void> open_npy(const std::string& file) {
    HEIRLOOM_TRY(const std::uint64_t size, files_.size(file));
    std::vector<std::uint8_t> start(std::min(size, max_start_bytes));
    HEIRLOOM_CHECK(files_.read(file, 0, start));
    auto header = read_header(start);
    auto checked = header ? check_end(*header, size) : fail(std::move(header.error()));
    if (!checked)
      return fail(std::move(checked.error()).in_file(file));
    checkpoint_ = {"npy", header->version, {{file, size}}};
    add(without_suffix(file), std::move(*header), Place{0});
    return {};
  }

  Result<void> open_npz(const std::string& file) {
    HEIRLOOM_TRY(archive_, zip::Archive::open(files_, file));
    contents_.emplace(*archive_);
    HEIRLOOM_TRY(const std::uint64_t size, files_.size(file));
    checkpoint_ = {"npz", "1", {{file, size}}};
    std::vector<std::string> others;
    std::optional<Error> first_error;
    for (std::size_t i = 0; i < archive_->members().size(); ++i) {
      const zip::Member& member = archive_->members()[i];
      if (!member.name.ends_with(suffix)) {
        others.push_back(member.name);
        continue;
      }
      auto added = add_member(i);
      if (!added && added.error().code != Code::unsupported)
        return added;
      if (!added) {
        checkpoint_.left_out.push_back({without_suffix(member.name), "", {}, added.error().message});
        first_error = first_error ? std::move(first_error) : std::move(added.error());
      }
    }
    if (checkpoint_.tensors.empty() && first_error)
      return fail(std::move(*first_error));
    if (!others.empty())
      checkpoint_.warnings.push_back(std::to_string(others.size()) + " members are no arrays and not read, the first is \"" +
                                     others.front() + "\"");
    return {};
  }

  const Checkpoint& description() const override { return checkpoint_; }

  Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const override {
    const Place& place = places_[tensor];
    if (offset > place.header.data_bytes || out.size() > place.header.data_bytes - offset)
      return fail(Code::misuse, "the array has " + std::to_string(place.header.data_bytes) + " bytes");
    const auto read = [&](std::uint64_t at, std::span<std::uint8_t> part) { return read_array(place, at, part); };
    if (!is_turned(place.header))
      return read(offset, out);
    return read_fortran(place.header.shape, place.header.dtype->geometry().block_bytes, offset, out, read);
  }

 private:
  struct Place {
    std::uint64_t begin = 0;  // byte of the file where the .npy begins; unless it is deflated
    std::optional<std::size_t> deflated = {};  // member of the archive
    Header header = {};
  };

  Result<void> read_array(const Place& place, std::uint64_t offset, std::span<std::uint8_t> out) const {
    const std::uint64_t at = place.header.data_offset + offset;
    if (place.deflated)
      return contents_->read(*place.deflated, at, out);
    return files_.read(checkpoint_.files[0].name, place.begin + at, out);
  }

  Result<void> add_member(std::size_t number) {
    const zip::Member& member = archive_->members()[number];
    std::vector<std::uint8_t> start(std::min(member.size, max_start_bytes));
    HEIRLOOM_CHECK(zip::Content(*archive_, member).read(0, start));
    auto header = read_header(start);
    auto checked = header ? check_end(*header, member.size) : fail(std::move(header.error()));
    if (!checked) {
      Error error = std::move(checked.error());
      error.position = member.offset + (member.is_deflated ? 0 : error.position);
      error.message = "\"" + member.name + "\": " + error.message;
      return fail(std::move(error).in_file(checkpoint_.files[0].name));
    }
    add(without_suffix(member.name), std::move(*header),
        Place{member.offset, member.is_deflated ? std::optional(number) : std::nullopt});
    if (member.is_deflated)
      checkpoint_.tensors.back().extents = {{0, member.offset, member.stored_size}};
    else
      checkpoint_.checksums.push_back({0, member.crc32, member.offset, member.size});
    return {};
  }

  void add(std::string name, Header header, Place place) {
    const WellKnownEncoding& geometry = header.dtype->geometry();
    checkpoint_.use_encoding({std::string(geometry.id), geometry.block_elements, geometry.block_bytes});
    Tensor tensor{std::move(name), std::string(geometry.id), header.shape,
                  {{0, place.begin + header.data_offset, header.data_bytes}}};
    tensor.big_endian = header.is_big_endian;
    tensor.decoded = place.deflated || is_turned(header);
    if (header.dtype->code == bfloat16_code && std::exchange(says_bfloat16_, true) == false)
      checkpoint_.warnings.push_back("\"" + tensor.name + "\" is of type V2, two bytes of anything: read as bfloat16, as JAX "
                                     "and MLX do");
    checkpoint_.tensors.push_back(std::move(tensor));
    place.header = std::move(header);
    places_.push_back(std::move(place));
  }

  Files files_;
  Checkpoint checkpoint_;
  std::vector<Place> places_;  // parallel to the tensors
  std::optional<zip::Archive> archive_;
  std::optional<zip::Contents> contents_;
  bool says_bfloat16_ = false;
};

// The name of the first member, when the file begins with its local header.
Result<std::string> first_member(const Files& files, const std::string& file) {
  constexpr std::uint64_t fixed = 30, length_at = 26, most = 4096;
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  std::vector<std::uint8_t> start(std::min(size, fixed + most));
  HEIRLOOM_CHECK(files.read(file, 0, start));
  if (start.size() < fixed)
    return std::string();
  const std::size_t length = start[length_at] + 256u * start[length_at + 1];
  const auto begin = start.begin() + static_cast<std::ptrdiff_t>(fixed);
  return std::string(begin, begin + static_cast<std::ptrdiff_t>(std::min(length, start.size() - fixed)));
}

}  // namespace

Result<std::uint32_t> NumpyReader::probe(std::uint32_t format, const Files& files) const {
  const std::string file(files.primary());
  if (file.empty())
    return HEIRLOOM_PROBE_NO;
  if (format == npy_format) {
    HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
    std::vector<std::uint8_t> start(std::min<std::uint64_t>(size, 6));
    HEIRLOOM_CHECK(files.read(file, 0, start));
    return looks_like_npy(start) ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  }
  HEIRLOOM_TRY(const bool is_zip, zip::looks_like_zip(files, file));
  if (!is_zip)
    return HEIRLOOM_PROBE_NO;
  HEIRLOOM_TRY(const std::string name, first_member(files, file));
  if (name.ends_with(suffix))
    return HEIRLOOM_PROBE_CONTENT;
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  return size == 22 && file.ends_with(".npz") ? HEIRLOOM_PROBE_MAYBE : HEIRLOOM_PROBE_NO;  // an archive of no arrays
}

Result<std::unique_ptr<OpenCheckpoint>> NumpyReader::open(std::uint32_t format, const Files& files,
                                                          const Options& options) const {
  if (!options.empty())
    return fail(Code::misuse, "unknown option \"" + options.front().key + "\"");
  const std::string file(files.primary());
  if (file.empty())
    return fail(Code::misuse, "a file is needed, not a directory");
  auto opened = std::make_unique<Opened>(files);
  HEIRLOOM_CHECK(format == npy_format ? opened->open_npy(file) : opened->open_npz(file));
  return opened;
}

}  // namespace heirloom::numpy
