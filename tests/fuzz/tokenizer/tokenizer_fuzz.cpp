// Any bytes as tokenizer files: to GGUF keys, back to files, and to keys again. Input: one byte of flags, then three
// times a length of two bytes and that many bytes (tokenizer.json, tokenizer.model, tokenizer_config.json).
#include "engine/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace {

using heirloom::Result;
using heirloom::tokenizer::ReadFile;
using Bytes = std::vector<std::uint8_t>;
using Files = std::map<std::string, Bytes, std::less<>>;

Bytes take(const std::uint8_t*& data, std::size_t& size) {
  if (size < 2)
    return {};
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(data[0] | data[1] << 8), size - 2);
  Bytes bytes(data + 2, data + 2 + count);
  data += 2 + count;
  size -= 2 + count;
  return bytes;
}

ReadFile reader_of(const Files& files) {
  return [&files](std::string_view name) -> Result<std::optional<Bytes>> {
    const auto found = files.find(name);
    return found == files.end() ? std::optional<Bytes>() : std::optional<Bytes>(found->second);
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::uint8_t flags = *data++;
  --size;
  Files files;
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"})
    if (Bytes bytes = take(data, size); !bytes.empty())
      files[name] = std::move(bytes);

  heirloom::tokenizer::ToGguf options;
  options.pre_tokenizer = (flags & 1) != 0 ? "gpt-2" : "";
  options.vocab_size = (flags & 2) != 0 ? 600u : 0u;
  const auto tokenizer = to_gguf(reader_of(files), options);
  if (!tokenizer)
    return 0;
  const auto side_files = to_hugging_face(tokenizer->attrs);
  if (!side_files)
    return 0;
  Files written;
  for (const auto& file : *side_files)
    written[file.name] = file.bytes;
  options.vocab_size = find_attr(tokenizer->attrs, "tokenizer.ggml.tokens")->count();
  options.pre_tokenizer.clear();
  const auto again = to_gguf(reader_of(written), options);
  if (!again || *find_attr(again->attrs, "tokenizer.ggml.token_type") !=
                    *find_attr(tokenizer->attrs, "tokenizer.ggml.token_type"))
    std::abort();  // what was written has to be readable, with the same types
  return 0;
}
