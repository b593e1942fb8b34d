#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::pickle;
using namespace std::string_literals;

namespace {

std::vector<Finding> suspects(const std::string& text, Origin origin = Origin::checkpoint) {
  const auto parsed = parse({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().message);
  return find_suspects(parsed->tree, "a.pt", origin);
}

}  // namespace

TEST_CASE("what PyTorch writes itself is harmless, by module and by name") {
  CHECK(is_harmless("torch._utils", "_rebuild_tensor_v2"));
  CHECK(is_harmless("collections", "OrderedDict"));
  CHECK(is_harmless("torch", "bfloat16"));
  CHECK(is_harmless("numpy.dtypes", "Float64DType"));
  CHECK(is_harmless("__builtin__", "set"));
  CHECK(is_harmless("torch.distributed.checkpoint.metadata", "MetadataIndex"));
  CHECK(is_harmless("olmo_core.distributed.checkpoint.filesystem", "_StorageInfo"));
  CHECK_FALSE(is_harmless("torch", "load"));
  CHECK_FALSE(is_harmless("torch.storage", "_load_from_bytes"));
  CHECK_FALSE(is_harmless("torch._utils", ""));
  CHECK_FALSE(is_harmless("evil", "OrderedDict"));
  CHECK_FALSE(is_harmless("collections.OrderedDict", "__init__"));
  CHECK_FALSE(is_harmless("collections", "OrderedDict.__init__"));
  CHECK_FALSE(is_harmless("builtins", "getattr"));
  CHECK_FALSE(is_harmless("builtins", "eval"));
}

TEST_CASE("classes of TorchScript are harmless in TorchScript alone") {
  CHECK(is_harmless("__torch__.net", "Net", Origin::torch_script));
  CHECK_FALSE(is_harmless("__torch__.net", "Net"));
  CHECK(is_harmless("torch.jit._pickle", "build_intlist", Origin::torch_script));
}

TEST_CASE("a foreign global is a finding with its byte, however it comes in") {
  for (const std::string& text : {"cposix\nsystem\n."s, "(Vx\niposix\nsystem\n."s, "(cposix\nsystem\no."s,
                                  "\x8c\x05posix\x8c\x06system\x93."s, "cposix\nsystem\n)\x81."s}) {
    const auto found = suspects(text);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == "foreign_global");
    CHECK(found[0].what == "posix.system");
    CHECK(found[0].file == "a.pt");
    CHECK(found[0].position == (text[0] == 'c' ? 0 : text[1] == 'c' ? 1 : text[1] == 'V' ? 4 : 15));
  }
}

TEST_CASE("a foreign global counts even when it is thrown away or hidden in an argument") {
  CHECK(suspects("cos\nsystem\n0N."s).size() == 1);
  CHECK(suspects("ccollections\nOrderedDict\n(cos\nsystem\ntR."s).size() == 1);
}

TEST_CASE("what is called must be a global") {
  const auto found = suspects("ccollections\nOrderedDict\n)R)R."s);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == "computed_call");
  CHECK(found[0].position == 28);
}

TEST_CASE("getattr may take members of known enumerations and nothing else") {
  const std::string known = "ctorch.distributed._shard.sharded_tensor.metadata\nMEM_FORMAT_ENCODING\n";
  CHECK(suspects("cbuiltins\ngetattr\n(" + known + "VTORCH_CONTIGUOUS_FORMAT\ntR.").empty());
  for (const std::string& text : {"cbuiltins\ngetattr\n(" + known + "V__class__\ntR.",
                                  "cbuiltins\ngetattr\n(ccollections\nOrderedDict\nVfromkeys\ntR."s,
                                  "cbuiltins\ngetattr\n(Vx\nVy\ntR."s, "cbuiltins\ngetattr\n."s}) {
    const auto found = suspects(text);
    REQUIRE(found.size() == 1);
    CHECK(found[0].what == "builtins.getattr");
    CHECK(found[0].position == 0);
  }
}

TEST_CASE("findings come in the order of their bytes, and many of them are cut with their number") {
  std::string text = "(";
  for (int i = 0; i < 1000; ++i)
    text += "cevil\nf" + std::to_string(i) + "\n";
  const auto found = suspects(text + "t.");
  REQUIRE(found.size() == max_findings);
  CHECK(found[0].what == "evil.f0");
  CHECK(found[1].position > found[0].position);
  CHECK(found.back().note.find("1000 findings in all") != std::string::npos);
}
