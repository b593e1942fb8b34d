#include "engine/plan/packed.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/encoding/repack.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

namespace heirloom::plan {
namespace {

using model::Json;

constexpr std::string_view fp8_suffix = ".weight", fp8_scale_suffix = ".weight_scale_inv";
constexpr std::string_view blocks_suffix = "_blocks", scales_suffix = "_scales";
constexpr std::uint64_t mxfp4_elements = 32, mxfp4_bytes = 17, mxfp4_codes = 16;

enum class Kind { fp8, mxfp4 };

// A tensor as the reader described it.
struct Raw {
  Tensor tensor;
  std::uint32_t index = 0;
};

struct Packed {
  Raw weights, scales;
  std::uint64_t block_rows = 1, block_columns = 1;  // of fp8
};

// How a source with such weights is read. Constant once made.
struct Reader {
  Kind kind = Kind::fp8;
  const base::FileSet* files = nullptr;
  std::vector<File> names;
  std::function<Result<void>(std::uint32_t, std::uint64_t, std::span<std::uint8_t>)> decode;  // the plugin's
  std::vector<std::optional<Packed>> packed;  // by tensor
  std::vector<std::uint32_t> indexes;         // what the plugin calls each

  Result<void> read_raw(const Raw& raw, std::uint64_t offset, std::span<std::uint8_t> out) const;
  Result<void> read_fp8(const Packed& from, std::uint64_t first, std::span<float> out) const;
  Result<void> read_mxfp4(const Packed& from, std::uint64_t first, std::span<std::uint8_t> out) const;
  Result<void> read(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const;
};

Result<void> Reader::read_raw(const Raw& raw, std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (raw.tensor.decoded)
    return decode(raw.index, offset, out);
  for (const Extent& extent : raw.tensor.extents) {
    if (offset >= extent.size) {
      offset -= extent.size;
      continue;
    }
    const std::uint64_t count = std::min<std::uint64_t>(out.size(), extent.size - offset);
    HEIRLOOM_CHECK(files->read(names[extent.file].name, extent.offset + offset, out.first(count)));
    out = out.subspan(count);
    offset = 0;
    if (out.empty())
      break;
  }
  return {};
}

// Numbers [first, first + out.size()), row by row and block by block.
Result<void> Reader::read_fp8(const Packed& from, std::uint64_t first, std::span<float> out) const {
  const kernels::Kernels& kernels = *kernels::chosen();
  const encoding::Codec& codec = *encoding::find_codec(from.scales.tensor.encoding);
  const std::uint64_t columns = from.weights.tensor.shape[1], scale_columns = from.scales.tensor.shape[1];
  std::vector<std::uint8_t> codes(out.size());
  HEIRLOOM_CHECK(read_raw(from.weights, first, codes));
  kernels.f8_e4m3_to_f32(codes.data(), out.data(), out.size());
  std::vector<std::uint8_t> raw(scale_columns * codec.block_bytes);
  std::vector<float> scales(scale_columns);
  std::uint64_t loaded = UINT64_MAX;
  for (std::uint64_t at = 0; at < out.size();) {
    const std::uint64_t row = (first + at) / columns, column = (first + at) % columns, band = row / from.block_rows;
    if (band != loaded) {
      HEIRLOOM_CHECK(read_raw(from.scales, band * raw.size(), raw));
      codec.decode(kernels, raw.data(), scales.data(), scales.size());
      loaded = band;
    }
    const std::uint64_t end = std::min({(column / from.block_columns + 1) * from.block_columns, columns, column + out.size() - at});
    const float scale = scales[column / from.block_columns];
    for (std::uint64_t k = 0; k < end - column; ++k)
      out[at + k] *= scale;
    at += end - column;
  }
  return {};
}

// Whole blocks.
Result<void> Reader::read_mxfp4(const Packed& from, std::uint64_t first, std::span<std::uint8_t> out) const {
  const std::uint64_t blocks = out.size() / mxfp4_bytes;
  std::vector<std::uint8_t> codes(blocks * mxfp4_codes), scales(blocks);
  HEIRLOOM_CHECK(read_raw(from.weights, first * mxfp4_codes, codes));
  HEIRLOOM_CHECK(read_raw(from.scales, first, scales));
  for (std::uint64_t k = 0; k < blocks; ++k)
    encoding::pack_mxfp4(scales[k], codes.data() + k * mxfp4_codes, out.data() + k * mxfp4_bytes);
  return {};
}

// Any range of bytes: what a unit is cut from is made whole first, a part at a time.
Result<void> Reader::read(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!packed[tensor])
    return decode ? decode(indexes[tensor], offset, out) : fail(Code::internal, "the plugin decodes no tensors");
  constexpr std::uint64_t units_at_once = 1u << 16;
  const std::uint64_t unit = kind == Kind::fp8 ? sizeof(float) : mxfp4_bytes;
  const std::uint64_t begin = offset / unit, end = (offset + out.size() + unit - 1) / unit;
  std::vector<std::uint8_t> blocks;
  std::vector<float> numbers;
  for (std::uint64_t at = begin; at < end; at += units_at_once) {
    const std::uint64_t count = std::min(units_at_once, end - at);
    const std::uint8_t* made = nullptr;
    if (kind == Kind::fp8) {
      numbers.resize(count);
      HEIRLOOM_CHECK(read_fp8(*packed[tensor], at, numbers));
      made = reinterpret_cast<const std::uint8_t*>(numbers.data());
    } else {
      blocks.resize(count * mxfp4_bytes);
      HEIRLOOM_CHECK(read_mxfp4(*packed[tensor], at, blocks));
      made = blocks.data();
    }
    const std::uint64_t from = std::max(offset, at * unit), to = std::min<std::uint64_t>(offset + out.size(), (at + count) * unit);
    std::memcpy(out.data() + (from - offset), made + (from - at * unit), to - from);
  }
  return {};
}

Error wrong(const Tensor& tensor, std::string message) {
  return {Code::malformed, std::move(message), no_position, "", tensor.name};
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

Result<void> check_plain(const Tensor& tensor) {
  if (tensor.big_endian)
    return fail(Error{Code::unsupported, "is stored big endian, which weights of two tensors are not", no_position, "", tensor.name});
  return {};
}

Result<Tensor> seen_fp8(const Packed& from) {
  const Tensor &weights = from.weights.tensor, &scales = from.scales.tensor;
  const encoding::Codec* codec = encoding::find_codec(scales.encoding);
  if (codec == nullptr || codec->decode == nullptr || codec->block_elements != 1)
    return fail(wrong(scales, "scales are " + base::quoted(scales.encoding) + ", not numbers"));
  if (weights.shape.size() != 2)
    return fail(wrong(weights, "has the shape " + shape_text(weights.shape) + ", and scales for blocks of rows and columns"));
  const auto blocks = [](std::uint64_t size, std::uint64_t block) { return size / block + (size % block != 0); };
  const std::vector<std::uint64_t> wanted{blocks(weights.shape[0], from.block_rows), blocks(weights.shape[1], from.block_columns)};
  if (scales.shape != wanted)
    return fail(wrong(scales, "has the shape " + shape_text(scales.shape) + ", where the blocks of " + weights.name + " are " +
                                  shape_text(wanted)));
  return Tensor{weights.name, "f32", weights.shape, weights.extents, false, true};
}

Result<Tensor> seen_mxfp4(const Packed& from) {
  const Tensor &weights = from.weights.tensor, &scales = from.scales.tensor;
  for (const Tensor* tensor : {&weights, &scales})
    if (tensor->encoding != "u8")
      return fail(wrong(*tensor, "is " + base::quoted(tensor->encoding) + ", not bytes, which MXFP4 is stored in"));
  std::vector<std::uint64_t> shape = weights.shape;
  if (shape.size() < 2 || shape.back() != mxfp4_codes)
    return fail(wrong(weights, "has the shape " + shape_text(weights.shape) + ", not rows of blocks of 16 bytes"));
  shape.pop_back();
  if (scales.shape != shape)
    return fail(wrong(scales, "has the shape " + shape_text(scales.shape) + ", where the blocks are " + shape_text(shape)));
  shape.back() *= mxfp4_elements;
  const std::string name = weights.name.substr(0, weights.name.size() - blocks_suffix.size());
  return Tensor{name, "mxfp4", std::move(shape), weights.extents, false, true};
}

// The name of a weight's scales; "" for other tensors.
std::string name_of_scales(Kind kind, const Tensor& tensor) {
  const std::string_view suffix = kind == Kind::fp8 ? fp8_suffix : blocks_suffix;
  if (!tensor.name.ends_with(suffix) || (kind == Kind::fp8 && tensor.encoding != "f8_e4m3"))
    return "";
  return tensor.name.substr(0, tensor.name.size() - suffix.size()) +
         std::string(kind == Kind::fp8 ? fp8_scale_suffix : scales_suffix);
}

// Rows and columns of a block.
Result<std::array<std::uint64_t, 2>> block_size(const Json& quantization) {
  const Json* size = quantization.find("weight_block_size");
  if (size != nullptr && size->array() != nullptr && size->array()->size() == 2) {
    const auto rows = (*size->array())[0].integer(), columns = (*size->array())[1].integer();
    if (rows && columns && *rows > 0 && *columns > 0)
      return std::array{static_cast<std::uint64_t>(*rows), static_cast<std::uint64_t>(*columns)};
  }
  return fail(Error{Code::unsupported, "\"quantization_config\" says fp8 without a \"weight_block_size\" of rows and columns: scales of "
                                       "other kinds are not supported; --as-is keeps every tensor as it is", no_position, "config.json"});
}

std::optional<Kind> kind_of(const Json* quantization) {
  const Json* method = quantization == nullptr ? nullptr : quantization->find("quant_method");
  if (method == nullptr || method->text() == nullptr)
    return std::nullopt;
  if (*method->text() == "fp8")
    return Kind::fp8;
  return *method->text() == "mxfp4" ? std::optional(Kind::mxfp4) : std::nullopt;
}

// Scale tensors by name.
std::map<std::string_view, std::uint32_t> scales_of(Kind kind, const Checkpoint& checkpoint) {
  std::map<std::string_view, std::uint32_t> found;
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i)
    if (checkpoint.tensors[i].name.ends_with(kind == Kind::fp8 ? fp8_scale_suffix : scales_suffix))
      found.emplace(checkpoint.tensors[i].name, i);
  return found;
}

}  // namespace

Result<void> see_packed(model::Source& source, const Json& config) {
  const Json* quantization = config.find("quantization_config");
  const auto kind = kind_of(quantization);
  if (!kind)
    return {};
  auto reader = std::make_shared<Reader>();
  reader->kind = *kind;
  reader->files = source.files.get();
  reader->names = source.checkpoint.files;
  reader->decode = source.decode;
  std::array<std::uint64_t, 2> block{1, 1};
  if (*kind == Kind::fp8) {
    HEIRLOOM_TRY(block, block_size(*quantization));
  }
  auto scales = scales_of(*kind, source.checkpoint);
  std::vector<Tensor> tensors;
  for (std::uint32_t i = 0; i < source.checkpoint.tensors.size(); ++i) {
    const Tensor& tensor = source.checkpoint.tensors[i];
    const auto found = scales.find(name_of_scales(*kind, tensor));
    if (found == scales.end())
      continue;
    Packed packed{{tensor, i}, {source.checkpoint.tensors[found->second], found->second}, block[0], block[1]};
    HEIRLOOM_CHECK(check_plain(packed.weights.tensor));
    HEIRLOOM_CHECK(check_plain(packed.scales.tensor));
    HEIRLOOM_TRY(Tensor seen, *kind == Kind::fp8 ? seen_fp8(packed) : seen_mxfp4(packed));
    tensors.push_back(std::move(seen));
    reader->packed.emplace_back(std::move(packed));
    reader->indexes.push_back(i);
    scales.erase(found);
  }
  if (tensors.empty())
    return {};
  std::vector<bool> is_used(source.checkpoint.tensors.size());
  for (const auto& packed : reader->packed)
    is_used[packed->weights.index] = is_used[packed->scales.index] = true;
  for (std::uint32_t i = 0; i < is_used.size(); ++i)
    if (!is_used[i]) {
      tensors.push_back(source.checkpoint.tensors[i]);
      reader->packed.emplace_back();
      reader->indexes.push_back(i);
    }
  source.checkpoint.tensors = std::move(tensors);
  source.checkpoint.use_encoding(*kind == Kind::fp8 ? Encoding{"f32", 1, 4} : Encoding{"mxfp4", mxfp4_elements, mxfp4_bytes});
  source.decode = [reader](std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) { return reader->read(tensor, offset, out); };
  return {};
}

}  // namespace heirloom::plan
