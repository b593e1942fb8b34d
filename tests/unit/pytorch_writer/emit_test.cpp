#include "plugins/common/pickle/emit.hpp"
#include "plugins/pytorch/state_dict.hpp"

#include <doctest/doctest.h>

#include <string>

using heirloom::pickle::Emitter;

namespace {

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// With its NULs.
template <std::size_t size>
std::string raw(const char (&text)[size]) {
  return {text, size - 1};
}

std::string integer(std::uint64_t value) {
  Emitter out;
  out.integer(value);
  const std::string all = text_of(std::move(out).finish());
  return all.substr(2, all.size() - 3);
}

}  // namespace

TEST_CASE("integers take as few bytes as Python's pickler gives them") {
  CHECK(integer(0) == raw("K\0"));
  CHECK(integer(255) == "K\xff");
  CHECK(integer(256) == raw("M\0\1"));
  CHECK(integer(65'535) == "M\xff\xff");
  CHECK(integer(65'536) == raw("J\0\0\1\0"));
  CHECK(integer(0x7fffffff) == "J\xff\xff\xff\x7f");
  CHECK(integer(0x80000000) == raw("\x8a\x05\0\0\0\x80\0"));
  CHECK(integer(0x7fffffffff) == "\x8a\x05\xff\xff\xff\xff\x7f");
  CHECK(integer(0x8000000000) == raw("\x8a\x06\0\0\0\0\x80\0"));
  CHECK(integer(UINT64_MAX) == raw("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\0"));
}

TEST_CASE("what is said again is fetched from the memo, beyond entry 255 too") {
  Emitter out;
  out.global("m", "C");
  for (int i = 0; i < 256; ++i)
    out.text("x");
  out.shared_text("y");
  out.global("m", "C");
  out.shared_text("y");
  const std::string all = text_of(std::move(out).finish());
  CHECK(all.find("cm\nC\nq") == 2);
  CHECK(all.ends_with(raw("yr\1\1\0\0h\0j\1\1\0\0.")));
}

TEST_CASE("tuples of up to three have codes of their own") {
  Emitter out;
  const std::uint64_t values[] = {1, 2, 3, 4};
  for (std::size_t count = 0; count <= 4; ++count)
    out.tuple(std::span(values).first(count));
  CHECK(text_of(std::move(out).finish()) ==
        raw("\x80\x02)K\x01\x85q\0K\x01K\x02\x86q\1K\x01K\x02K\x03\x87q\2(K\x01K\x02K\x03K\x04tq\3."));
}

TEST_CASE("a state_dict is the pickle that torch.save made of it") {
  // torch.save(OrderedDict(a=torch.zeros(2, 3), s=torch.tensor(1.5)), ...) of PyTorch 1.13.1
  const std::string expected = raw(
      "\x80\x02" "ccollections\nOrderedDict\nq\0)Rq\1(X\1\0\0\0aq\2ctorch._utils\n_rebuild_tensor_v2\nq\3((X\7\0\0\0storageq\4"
      "ctorch\nFloatStorage\nq\5X\1\0\0\0" "0q\6X\3\0\0\0cpuq\7K\6tq\x08QK\0K\2K\3\x86q\x09K\3K\1\x86q\x0a\x89h\0)Rq\x0btq\x0cRq\x0d"
      "X\1\0\0\0sq\x0eh\3((h\4h\5X\1\0\0\0" "1q\x0fh\7K\1tq\x10QK\0))\x89h\0)Rq\x11tq\x12Rq\x13u.");
  const heirloom::Tensor a{"a", "f32", {2, 3}}, s{"s", "f32", {}};
  const auto* f32 = heirloom::torch::find_dtype("float32");
  CHECK(text_of(heirloom::pytorch::state_dict({{0, &a, f32, 24}, {1, &s, f32, 4}})) == expected);
}
