#include "engine/tokenizer/from_gguf.hpp"

#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <algorithm>

namespace heirloom::tokenizer {

namespace {

using model::Json;

std::optional<bool> flag_of(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = key.empty() ? nullptr : find_attr(attrs, key);
  return attr == nullptr ? std::nullopt : attr->get<bool>();
}

Result<GgufSource> gguf_source(const std::vector<Attr>& attrs) {
  GgufSource gguf;
  HEIRLOOM_TRY(gguf.vocabulary, vocabulary_of(attrs));
  for (std::size_t role = 0; role < role_count; ++role) {
    const Attr* id = keys::roles[role].id_key.empty() ? nullptr : find_attr(attrs, keys::roles[role].id_key);
    const auto value = id == nullptr ? std::nullopt : id->get_integer();
    if (value && *value >= 0 && static_cast<std::uint64_t>(*value) < gguf.vocabulary.tokens.size())
      gguf.ids[role] = static_cast<std::uint32_t>(*value);
    gguf.additions[role] = flag_of(attrs, keys::roles[role].add_key);
  }
  gguf.adds_space_prefix = flag_of(attrs, keys::add_space_prefix);
  gguf.removes_extra_whitespaces = flag_of(attrs, keys::remove_extra_whitespaces);
  gguf.templates = chat_templates_of(attrs);
  for (const ChatTemplate& entry : gguf.templates)
    if (!is_utf8(entry.text) || !is_utf8(entry.name))
      return fail(Code::malformed, "a chat template is not UTF-8");
  return gguf;
}

std::vector<std::uint8_t> bytes_of(const Json& json) {
  const std::string text = json.dump(2) + "\n";
  return {text.begin(), text.end()};
}

std::vector<SideFile> side_files(const HuggingFaceFiles& files) {
  std::vector<SideFile> out;
  if (!files.tokenizer_json.is_null())
    out.push_back({std::string(tokenizer_json_name), bytes_of(files.tokenizer_json)});
  out.push_back({std::string(tokenizer_config_name), bytes_of(files.tokenizer_config)});
  if (files.tokenizer_model)
    out.push_back({std::string(tokenizer_model_name), *files.tokenizer_model});
  return out;
}

// What to_gguf makes of the files.
Result<std::vector<Attr>> read_back(const std::vector<SideFile>& files, const std::vector<Attr>& attrs,
                                    const Vocabulary& vocabulary) {
  const ReadFile read_file = [&](std::string_view name) -> Result<std::optional<std::vector<std::uint8_t>>> {
    for (const SideFile& file : files)
      if (file.name == name)
        return file.bytes;
    return std::optional<std::vector<std::uint8_t>>();
  };
  ToGguf options;
  options.vocab_size = vocabulary.tokens.size();
  options.kinds = {vocabulary.model == "gpt2" ? "bpe" : "sentencepiece"};
  options.writes_space_prefix = !attrs.empty() && attrs.front().key == keys::add_space_prefix;
  HEIRLOOM_TRY(GgufTokenizer tokenizer, to_gguf(read_file, options));
  return std::move(tokenizer.attrs);
}

bool is_remarked_otherwise(std::string_view key, const Vocabulary& vocabulary) {
  return key == keys::token_type || (key == keys::pre && vocabulary.model == "gpt2");
}

// What differs after a way back through the files.
Result<Remarks> measure_remarks(const std::vector<Attr>& attrs, const Vocabulary& vocabulary,
                                const std::vector<Attr>& back) {
  Remarks remarks;
  HEIRLOOM_TRY(const Vocabulary again, vocabulary_of(back));
  if (again.pre != vocabulary.pre && vocabulary.model == "gpt2")
    remarks.pre_tokenizer = vocabulary.pre;
  for (std::size_t id = 0; id < vocabulary.tokens.size() && id < again.tokens.size(); ++id)
    if (again.tokens[id].type != vocabulary.tokens[id].type)
      remarks.token_types.emplace_back(id, vocabulary.tokens[id].type);
  std::vector<std::string> order;
  for (const Attr& attr : back)
    order.push_back(attr.key);
  std::vector<std::string> wanted_order;
  for (const Attr& attr : attrs) {
    wanted_order.push_back(attr.key);
    const Attr* found = find_attr(back, attr.key);
    if (found == nullptr)
      order.push_back(attr.key);
    if ((found == nullptr || *found != attr) && !is_remarked_otherwise(attr.key, vocabulary))
      remarks.keys.push_back(attr);
  }
  if (order != wanted_order)
    remarks.key_order = std::move(wanted_order);
  return remarks;
}

}  // namespace

const std::string* GgufSource::text_of(Role role) const {
  return ids[role] ? &vocabulary.tokens[*ids[role]].text : nullptr;
}

bool GgufSource::is_special_token(std::uint64_t id) const {
  return std::any_of(ids.begin(), ids.begin() + keys::ordinary_roles,
                     [id](const auto& special) { return special == id; });
}

Result<std::vector<SideFile>> to_hugging_face(const std::vector<Attr>& gguf_attrs) {
  std::vector<Attr> attrs;
  for (const Attr& attr : gguf_attrs)
    if (attr.key.starts_with(keys::prefix))
      attrs.push_back(attr);
  HEIRLOOM_TRY(const GgufSource gguf, gguf_source(attrs));
  const std::string& model = gguf.vocabulary.model;
  if (model != "gpt2" && model != "llama")
    return fail(Code::unsupported, "a tokenizer of model " + quoted_token(model) +
                                       " cannot be written for Hugging Face; \"gpt2\" and \"llama\" can");
  HEIRLOOM_TRY(HuggingFaceFiles files, model == "gpt2" ? write_byte_level_bpe(gguf) : write_sentencepiece(gguf));
  std::vector<SideFile> out = side_files(files);
  HEIRLOOM_TRY(const std::vector<Attr> back, read_back(out, attrs, gguf.vocabulary));
  HEIRLOOM_TRY(const Remarks remarks, measure_remarks(attrs, gguf.vocabulary, back));
  if (remarks.empty())
    return out;
  files.tokenizer_config.set("heirloom", to_json(remarks));
  return side_files(files);
}

}  // namespace heirloom::tokenizer
