#include "splits.hpp"

#include "limits.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace heirloom::gguf {

namespace {

constexpr char number_key[] = "split.no";
constexpr char count_key[] = "split.count";
constexpr char tensors_key[] = "split.tensors.count";

constexpr std::string_view suffix = ".gguf";
constexpr std::size_t digits = 5;

std::optional<std::uint32_t> parse_digits(std::string_view text) {
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

// Removes `ending` from the end of `text` when it is there.
bool cut(std::string_view& text, std::string_view ending) {
  if (!text.ends_with(ending))
    return false;
  text.remove_suffix(ending.size());
  return true;
}

std::optional<std::uint32_t> cut_number(std::string_view& text) {
  if (text.size() < digits)
    return std::nullopt;
  const auto value = parse_digits(text.substr(text.size() - digits));
  text.remove_suffix(digits);
  return value;
}

tl::unexpected<Error> key_error(const GgufFile& file, const char* key, Code code, std::string message) {
  return fail(Error{code, std::move(message), file.position_of(key), file.file.name});
}

// The shard's own keys must say that it is number `index` of `set`.
Result<void> check_shard(const GgufFile& shard, std::uint32_t index, const SplitKeys& set) {
  HEIRLOOM_TRY(const SplitKeys keys, read_split_keys(shard));
  if (keys.count != set.count)
    return key_error(shard, count_key, Code::malformed, "split.count is " + std::to_string(keys.count) +
                                                            ", but the set has " + std::to_string(set.count) +
                                                            " files");
  if (keys.number != index)
    return key_error(shard, number_key, Code::malformed, "split.no is " + std::to_string(keys.number) +
                                                             ", but the file's name says " + std::to_string(index));
  if (keys.tensors != set.tensors)
    return key_error(shard, tensors_key, Code::malformed,
                     "split.tensors.count is " + std::to_string(keys.tensors) + ", but another file of the set says " +
                         std::to_string(set.tensors));
  return {};
}

Result<GgufFile> read_shard(const Files& files, const std::string& name, std::uint32_t index, const SplitKeys& set) {
  if (!files.has(name))
    return fail(Error{Code::io, "file " + std::to_string(index + 1) + " of " + std::to_string(set.count) +
                                    " is missing: \"" + name + "\"",
                      no_position, name});
  HEIRLOOM_TRY(GgufFile shard, read_file(files, name));
  HEIRLOOM_CHECK(check_shard(shard, index, set));
  return shard;
}

}  // namespace

std::optional<ShardName> parse_shard_name(std::string_view name) {
  if (!cut(name, suffix))
    return std::nullopt;
  const auto count = cut_number(name);
  if (!count || !cut(name, "-of-"))
    return std::nullopt;
  const auto number = cut_number(name);
  if (!number || !cut(name, "-") || *number == 0 || *number > *count)
    return std::nullopt;
  return ShardName{std::string(name), *number, *count};
}

std::string shard_name(std::string_view prefix, std::uint32_t number, std::uint32_t count) {
  char tail[64];
  std::snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", number, count);
  return std::string(prefix) + tail;
}

bool is_split_key(std::string_view key) { return key == number_key || key == count_key || key == tensors_key; }

Result<SplitKeys> read_split_keys(const GgufFile& file) {
  const Attr* count = find_attr(file.attrs, count_key);
  if (count == nullptr)
    return SplitKeys{};
  const auto wrong = [&](const char* key, const char* type) {
    return key_error(file, key, Code::malformed, std::string(key) + " is missing or not of type " + type);
  };
  const auto value = count->type == AttrType::u16 ? count->get<std::uint16_t>() : std::nullopt;
  if (!value)
    return wrong(count_key, "u16");
  if (*value <= 1)
    return SplitKeys{0, *value, 0};
  const Attr* number = find_attr(file.attrs, number_key);
  const Attr* tensors = find_attr(file.attrs, tensors_key);
  if (number == nullptr || number->type != AttrType::u16)
    return wrong(number_key, "u16");
  if (tensors == nullptr || tensors->type != AttrType::i32)
    return wrong(tensors_key, "i32");
  const std::int32_t total = *tensors->get<std::int32_t>();
  if (total < 0)
    return key_error(file, tensors_key, Code::malformed, "split.tensors.count is negative");
  return SplitKeys{*number->get<std::uint16_t>(), *value, static_cast<std::uint64_t>(total)};
}

std::vector<Attr> make_split_keys(std::uint32_t number, std::uint32_t count, std::uint64_t tensors) {
  return {Attr::scalar(number_key, static_cast<std::uint16_t>(number)),
          Attr::scalar(count_key, static_cast<std::uint16_t>(count)),
          Attr::scalar(tensors_key, static_cast<std::int32_t>(tensors))};
}

Result<std::vector<GgufFile>> read_shards(const Files& files, GgufFile given, const SplitKeys& keys) {
  const auto name = parse_shard_name(given.file.name);
  if (!name)
    return fail(Error{Code::misuse, "the file is one of " + std::to_string(keys.count) +
                                        ", but its name is not like \"" + shard_name("NAME", 1, keys.count) +
                                        "\", so the others cannot be found",
                      no_position, given.file.name});
  if (name->count != keys.count)
    return key_error(given, count_key, Code::malformed, "split.count is " + std::to_string(keys.count) +
                                                            ", but the file's name says " +
                                                            std::to_string(name->count));
  HEIRLOOM_CHECK(check_shard(given, name->number - 1, keys));
  std::vector<GgufFile> shards;
  std::uint64_t header_bytes = 0;
  std::uint64_t tensors = 0;
  for (std::uint32_t i = 0; i < keys.count; ++i) {
    if (i + 1 == name->number) {
      shards.push_back(std::move(given));
    } else {
      HEIRLOOM_TRY(GgufFile shard, read_shard(files, shard_name(name->prefix, i + 1, keys.count), i, keys));
      shards.push_back(std::move(shard));
    }
    tensors += shards.back().tensors.size();
    header_bytes += shards.back().header_bytes;
    if (header_bytes > max_header_bytes)
      return fail(Error{Code::limit, "the headers of the set are larger than " + std::to_string(max_header_bytes) +
                                         " bytes", no_position, shards.back().file.name});
  }
  if (tensors != keys.tensors)
    return key_error(shards.front(), tensors_key, Code::malformed,
                     "split.tensors.count is " + std::to_string(keys.tensors) + ", but the files have " +
                         std::to_string(tensors) + " tensors");
  return shards;
}

}  // namespace heirloom::gguf
