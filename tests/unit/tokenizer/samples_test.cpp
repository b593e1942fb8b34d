#include "heirloom/cursor.hpp"
#include "tests/unit/tokenizer/files.hpp"

#include <algorithm>

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

// The tokenizer keys of a GGUF file that is well made.
class Reader {
 public:
  explicit Reader(const Bytes& bytes) : in_(bytes) {}

  std::vector<Attr> read() {
    REQUIRE(in_.text(4).value() == "GGUF");
    REQUIRE(in_.skip(4 + 8));
    std::vector<Attr> attrs;
    for (std::uint64_t left = in_.u64().value(); left != 0; --left) {
      Attr attr{text()};
      attr.type = type();
      if (attr.type == AttrType::array) {
        attr.element = type();
        read_values(attr, attr.element, in_.u64().value());
      } else {
        read_values(attr, attr.type, 1);
      }
      if (attr.key.starts_with("tokenizer."))
        attrs.push_back(std::move(attr));
    }
    return attrs;
  }

 private:
  std::string text() { return in_.text(in_.u64().value()).value(); }
  AttrType type() { return static_cast<AttrType>(in_.u32().value()); }
  void read_values(Attr& attr, AttrType element, std::uint64_t count) {
    if (element != AttrType::string)
      attr.data = in_.bytes(count * width_of(element)).value();
    else
      for (; count != 0; --count)
        attr.strings.push_back(text());
  }

  Cursor in_;
};

struct Sample {
  std::string name;
  const char* kind;
};

}  // namespace

TEST_CASE("real vocabularies of other converters go to Hugging Face files and back") {
  const auto folder = shared_folder("samples/gguf");
  if (!folder)
    return;
  for (const Sample& sample : {Sample{"ggml-vocab-gpt-2.gguf", "bpe"}, Sample{"ggml-vocab-deepseek-coder.gguf", "bpe"},
                               Sample{"ggml-vocab-llama-spm.gguf", "sentencepiece"},
                               Sample{"ggml-vocab-phi-3.gguf", "sentencepiece"},
                               Sample{"ggml-vocab-bert-bge.gguf", "wordpiece"}}) {
    CAPTURE(sample.name);
    const Bytes bytes = read_bytes(*folder / sample.name);
    REQUIRE_FALSE(bytes.empty());
    check_way_back(Reader(bytes).read(), sample.kind);
  }
}
