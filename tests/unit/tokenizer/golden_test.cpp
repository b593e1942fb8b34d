#include "tests/unit/tokenizer/golden.hpp"

#include <openssl/evp.h>

#include <bit>

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;
using model::Json;

namespace {

std::string sha256(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += {digits[digest[i] >> 4], digits[digest[i] & 15]};
  }
  return hex;
}

// The elements one after another: numbers as they lie, strings with their length in four bytes.
std::string canonical(const Attr& attr) {
  if (attr.element != AttrType::string)
    return {attr.data.begin(), attr.data.end()};
  std::string out;
  for (const std::string& text : attr.strings) {
    for (unsigned shift = 0; shift < 32; shift += 8)
      out += static_cast<char>(text.size() >> shift);
    out += text;
  }
  return out;
}

std::string type_name(const Attr& attr) {
  const auto name = [](AttrType type) -> std::string {
    switch (type) {
      case AttrType::u32: return "UINT32";
      case AttrType::i32: return "INT32";
      case AttrType::f32: return "FLOAT32";
      case AttrType::boolean: return "BOOL";
      case AttrType::string: return "STRING";
      default: return "another";
    }
  };
  return attr.type == AttrType::array ? "ARRAY:" + name(attr.element) : name(attr.type);
}

// A short array or a scalar as the dump writes it.
Json dumped_value(const Attr& attr) {
  const auto element = [&](std::uint64_t i) {
    if (!attr.strings.empty())
      return Json(Json::Value(attr.strings[i]));
    if (const auto flag = attr.get<bool>(i))
      return Json(Json::Value(*flag));
    return Json(Json::Value(attr.get_integer(i).value()));
  };
  if (attr.type != AttrType::array)
    return element(0);
  Json::Array list;
  for (std::uint64_t i = 0; i < attr.count(); ++i)
    list.push_back(element(i));
  return Json(Json::Value(std::move(list)));
}

void check_key(const Attr& actual, const Json& expected) {
  INFO("key " << actual.key);
  CHECK(type_name(actual) == *expected.find("type")->text());
  if (const Json* count = expected.find("n")) {
    CHECK(static_cast<std::int64_t>(actual.count()) == count->integer());
    CHECK(sha256(canonical(actual)) == *expected.find("sha256")->text());
  } else {
    CHECK(dumped_value(actual).dump() == expected.find("value")->dump());
  }
}

}  // namespace

TEST_CASE("the keys equal those of llama.cpp's converter, in its order") {
  std::size_t count = 0;
  for (const Golden& golden : read_goldens()) {
    CAPTURE(golden.name);
    const auto tokenizer = to_gguf(reader_of(golden.files), golden.options);
    INFO((tokenizer ? std::string() : tokenizer.error().message));
    REQUIRE(tokenizer.has_value());
    std::string names;
    for (const Json& key : *golden.keys.array())
      names += *key.find("key")->text() + " ";
    CHECK(names_of(tokenizer->attrs) == names);
    for (const Json& key : *golden.keys.array())
      if (const Attr* attr = find_attr(tokenizer->attrs, *key.find("key")->text()))
        if (key.find("left_out") == nullptr)  // the reason why it is other than the converter's
          check_key(*attr, key);
    ++count;
  }
  CHECK(count >= 17);
}
