#include "engine/tokenizer/from_gguf.hpp"

#include "engine/tokenizer/byte_level.hpp"
#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/remarks.hpp"

#include <algorithm>
#include <array>

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
    const Attr* id = find_attr(attrs, role == cls ? keys::cls_token_id : keys::roles[role].id_key);
    const auto value = id == nullptr ? std::nullopt : id->get_integer();
    if (value && *value >= 0 && static_cast<std::uint64_t>(*value) < gguf.vocabulary.tokens.size())
      gguf.ids[role] = static_cast<std::uint32_t>(*value);
    gguf.additions[role] = flag_of(attrs, keys::roles[role].add_key);
  }
  gguf.adds_space_prefix = flag_of(attrs, keys::add_space_prefix);
  gguf.removes_extra_whitespaces = flag_of(attrs, keys::remove_extra_whitespaces);
  gguf.lowers = flag_of(attrs, keys::lowercase);
  gguf.strips_accents = flag_of(attrs, keys::strip_accents);
  if (const Attr* map = find_attr(attrs, keys::character_map);
      map != nullptr && (map->is_array_of(AttrType::u8) || map->is_array_of(AttrType::i8)))
    gguf.character_map = map->data;
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
  if (files.vocab_text)
    out.push_back({std::string(vocab_text_name), {files.vocab_text->begin(), files.vocab_text->end()}});
  return out;
}

// The writer of a model, and the kind that reads its files.
struct Writer {
  std::string_view model;
  std::string_view kind;
  Result<HuggingFaceFiles> (*write)(const GgufSource& gguf);
};

constexpr std::array writers = {
    Writer{"gpt2", "bpe", write_byte_level_bpe},   Writer{"llama", "sentencepiece", write_sentencepiece},
    Writer{"bert", "wordpiece", write_wordpiece},  Writer{"t5", "unigram", write_unigram},
    Writer{"gemma4", "gemma4", write_gemma4},
};

Result<const Writer*> find_writer(const std::string& model) {
  std::string names;
  for (const Writer& writer : writers) {
    if (writer.model == model)
      return &writer;
    names += (names.empty() ? "\"" : ", \"") + std::string(writer.model) + "\"";
  }
  return fail(Code::unsupported, "a tokenizer of model " + quoted_token(model) + " cannot be written for Hugging Face; " + names + " can");
}

// config.json, as far as it says anything about the tokenizer.
std::string configuration(const std::vector<Attr>& attrs) {
  const Attr* types = find_attr(attrs, keys::token_type_count);
  const auto count = types == nullptr ? std::nullopt : types->get_integer();
  return count ? R"({"type_vocab_size": )" + std::to_string(*count) + "}" : "{}";
}

// What to_gguf makes of the files.
Result<std::vector<Attr>> read_back(const std::vector<SideFile>& files, const std::vector<Attr>& attrs,
                                    const GgufSource& gguf, std::string_view kind) {
  const std::string config = configuration(attrs);
  const ReadFile read_file = [&](std::string_view name) -> Result<std::optional<std::vector<std::uint8_t>>> {
    for (const SideFile& file : files)
      if (file.name == name)
        return file.bytes;
    if (name == "config.json")
      return std::vector<std::uint8_t>(config.begin(), config.end());
    return std::optional<std::vector<std::uint8_t>>();
  };
  ToGguf options;
  options.vocab_size = gguf.vocabulary.tokens.size();
  options.kinds = {std::string(kind)};
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
    (find_attr(attrs, attr.key) != nullptr ? order : remarks.without).push_back(attr.key);
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
  HEIRLOOM_TRY(const Writer* writer, find_writer(gguf.vocabulary.model));
  HEIRLOOM_TRY(HuggingFaceFiles files, writer->write(gguf));
  std::vector<SideFile> out = side_files(files);
  HEIRLOOM_TRY(const std::vector<Attr> back, read_back(out, attrs, gguf, writer->kind));
  HEIRLOOM_TRY(const Remarks remarks, measure_remarks(attrs, gguf.vocabulary, back));
  if (remarks.empty())
    return out;
  files.tokenizer_config.set("heirloom", to_json(remarks));
  return side_files(files);
}

}  // namespace heirloom::tokenizer
