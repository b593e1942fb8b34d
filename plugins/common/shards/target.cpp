#include "plugins/common/shards/target.hpp"

#include <utility>

namespace heirloom::shards {
namespace {

std::string five_digits(std::size_t number) {
  std::string text = std::to_string(number);
  if (text.size() < 5)
    text.insert(0, 5 - text.size(), '0');
  return text;
}

}  // namespace

Result<Target> target_of(const Options& options, std::string default_file) {
  Target target{std::move(default_file), std::nullopt};
  for (const Attr& option : options) {
    if (option.key == "max_shard_size") {
      const auto bytes = option.type == AttrType::u64 ? option.get<std::uint64_t>() : std::nullopt;
      if (!bytes)
        return fail(Code::misuse, "option \"max_shard_size\" is not a number of bytes");
      target.max_shard_bytes = *bytes == 0 ? UINT64_MAX : *bytes;
    } else if (option.key == "target_name") {
      target.file = option.get_text().value_or("");
      if (target.file.empty() || target.file == "." || target.file == ".." || target.file.find('/') != std::string::npos)
        return fail(Code::misuse, "option \"target_name\" is not a file name: \"" + target.file + "\"");
    } else {
      return fail(Code::misuse, "unknown option \"" + option.key + "\"");
    }
  }
  return target;
}

std::string shard_name(const std::string& stem, std::size_t index, std::size_t count, std::string_view suffix) {
  return stem + "-" + five_digits(index + 1) + "-of-" + five_digits(count) + std::string(suffix);
}

}  // namespace heirloom::shards
