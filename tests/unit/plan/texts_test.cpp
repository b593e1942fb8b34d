#include "engine/plan/texts.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;

namespace {

// A single GGUF file with these keys, and files beside it.
struct Single {
  TempDirectory root;
  model::Source source;

  explicit Single(std::vector<Attr> attrs, const std::vector<std::pair<std::string, std::string>>& beside = {}) {
    write_file(root / "x.gguf", "weights");
    for (const auto& [name, text] : beside)
      write_file(root / name, text);
    source.files = base::FileSet::open(root / "x.gguf").value();
    source.checkpoint.format = "gguf";
    source.checkpoint.files = {{"x.gguf", 7}};
    source.checkpoint.attrs = std::move(attrs);
  }
  // "LICENSE=text NOTICE=text"
  std::string texts() const {
    const auto package = plan::read_package(source);
    std::string all;
    for (const plan::PackageText& text : package->companions) {
      const auto bytes = plan::read_text(source, text).value();
      all += (all.empty() ? "" : " ") + text.name + "=" + std::string(bytes.begin(), bytes.end());
    }
    return all;
  }
};

Attr key(std::string_view name, const std::string& text) { return Attr::text(std::string(name), text); }

}  // namespace

TEST_CASE("texts in the metadata and files named after the weights are the package's texts, and a file wins") {
  CHECK(Single({key("heirloom.license_text", "a"), key("heirloom.source.card", "b")}).texts() == "LICENSE=a README.md=b");
  CHECK(Single({key("heirloom.license_text", "a"), key("heirloom.source.legal_files", R"({"COPYING":null,"NOTICE":"n"})")}).texts() == "COPYING=a NOTICE=n");
  CHECK(Single({key("heirloom.license_text", "a")}, {{"x.gguf.LICENSE", "file"}, {"x.gguf.NOTICE", "n"}, {"LICENSE", "other"}, {"x.gguf.json", "{}"}}).texts() ==
        "LICENSE=file NOTICE=n");
}

TEST_CASE("a container says nothing of what is written but the texts of licence files") {
  for (const char* record : {R"({"config.json":"{}"})", R"({"../LICENSE":"x"})", R"({"LICENSE/x":"x"})", R"({"/LICENSE":"x"})", R"({"LICENSE":1})", R"([1])", "{",
                             R"({"model.safetensors":"x"})", R"({"":"x"})", R"({"LICENSE\u0000":"x"})"}) {
    const Single single({key("heirloom.source.legal_files", record)});
    INFO(record);
    CHECK(single.texts() == "");
  }
}
