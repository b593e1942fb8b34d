// Which files of a directory are read, and how their tensors are called together.
#include "build_torch.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;
using namespace heirloom::test::pk;

namespace {

using Map = std::map<std::string, Bytes>;

Bytes file_with(const std::string& name, float value = 1) {
  return build_zip_file(dict({{text(name), pair()}}), {{"0", floats({value, value})}});
}

Read read_ok(Map files) {
  Read read = read_files(std::move(files), "");
  REQUIRE_MESSAGE(read.opened.has_value(), read.opened.error().message);
  return read;
}

std::uint32_t score(Map files, const std::string& primary = "") {
  const MemoryHost host(std::move(files), primary);
  return pytorch::PytorchReader().probe(0, host.files()).value();
}

Bytes index_of(const std::string& weight_map) { return bytes_of("{\"weight_map\": {" + weight_map + "}}"); }

}  // namespace

TEST_CASE("shards are read as their index says, from whichever file it places a tensor in") {
  const Map files = {{"pytorch_model-00001-of-00002.bin", file_with("a")},
                     {"pytorch_model-00002-of-00002.bin", file_with("b", 2)},
                     {"pytorch_model.bin.index.json", index_of(R"("a": "pytorch_model-00001-of-00002.bin",
                                                                   "b": "pytorch_model-00002-of-00002.bin")")}};
  const Read read = read_ok(files);
  CHECK(read.checkpoint().tensors.size() == 2);
  CHECK(read.bytes_of_tensor("b") == floats({2, 2}));
  CHECK(read.find("b")->extents[0].file == 1);
  CHECK(read.checkpoint().warnings.empty());
  CHECK(score(files) == HEIRLOOM_PROBE_CONTENT);
}

TEST_CASE("an index that places a tensor where it is not is refused") {
  const Read read = read_files({{"pytorch_model-00001-of-00001.bin", file_with("a")},
                                {"pytorch_model.bin.index.json", index_of(R"("c": "pytorch_model-00001-of-00001.bin")")}}, "");
  REQUIRE_FALSE(read.opened.has_value());
  CHECK(read.opened.error().message == "the index places \"c\" in \"pytorch_model-00001-of-00001.bin\", which does not have it");
  CHECK(read.opened.error().tensor == "c");
}

TEST_CASE("an index that names a file that is not there, or a path, is refused") {
  CHECK(read_files({{"pytorch_model.bin.index.json", index_of(R"("a": "b.bin")")}}, "").opened.error().message.find(
            "cannot open shard \"b.bin\"") == 0);
  CHECK(read_files({{"pytorch_model.bin.index.json", index_of(R"("a": "../b.bin")")}}, "").opened.error().message.find(
            "unsafe file name") == 0);
}

TEST_CASE("shards without an index are read together, with a warning") {
  const Read read = read_ok({{"pytorch_model-00001-of-00002.bin", file_with("a")},
                             {"pytorch_model-00002-of-00002.bin", file_with("b")}});
  CHECK(read.checkpoint().tensors.size() == 2);
  CHECK(read.checkpoint().warnings.size() == 1);
}

TEST_CASE("two files with the same tensor are refused") {
  const Read read = read_files({{"pytorch_model-00001-of-00002.bin", file_with("a")},
                                {"pytorch_model-00002-of-00002.bin", file_with("a")}}, "");
  REQUIRE_FALSE(read.opened.has_value());
  CHECK(read.opened.error().message == "the checkpoint has two tensors \"a\"");
  CHECK(read.opened.error().file == "pytorch_model-00002-of-00002.bin");
}

TEST_CASE("model-parallel ranks are told apart by their names, a single one is not") {
  const Read two = read_ok({{"consolidated.00.pth", file_with("norm.weight")}, {"consolidated.01.pth", file_with("norm.weight")},
                            {"params.json", bytes_of("{}")}});
  REQUIRE(two.checkpoint().tensors.size() == 2);
  CHECK(two.checkpoint().tensors[0].name == "consolidated.00.norm.weight");
  CHECK(two.checkpoint().tensors[1].name == "consolidated.01.norm.weight");
  const Read one = read_ok({{"consolidated.00.pth", file_with("norm.weight")}});
  CHECK(one.checkpoint().tensors[0].name == "norm.weight");
}

TEST_CASE("a rank that is missing is an error with its name, and one rank alone a warning") {
  const Read read = read_files({{"consolidated.00.pth", file_with("a")}, {"consolidated.02.pth", file_with("a")}}, "");
  REQUIRE_FALSE(read.opened.has_value());
  CHECK(read.opened.error().message == "the directory has 2 model-parallel ranks, but no \"consolidated.01.pth\"");
  const Read alone = read_files({{"consolidated.00.pth", file_with("a")}, {"consolidated.01.pth", file_with("a")}},
                                "consolidated.00.pth");
  REQUIRE(alone.opened.has_value());
  CHECK(alone.checkpoint().warnings.size() == 1);
  CHECK(alone.find("a") != nullptr);
}

TEST_CASE("in a directory the one checkpoint is read, and what trainers put beside it is not") {
  const Read read = read_ok({{"last.ckpt", file_with("a")}, {"optimizer.pt", file_with("o")}, {"rng_state_0.pth", file_with("r")},
                             {"training_args.bin", bytes_of("x")}, {"config.json", bytes_of("{}")}});
  CHECK(read.checkpoint().tensors.size() == 1);
  CHECK(read.find("a") != nullptr);
}

TEST_CASE("several candidates are an error that names them") {
  const Read read = read_files({{"a.pt", file_with("a")}, {"b.pth", file_with("b")}}, "");
  REQUIRE_FALSE(read.opened.has_value());
  CHECK(read.opened.error().code == Code::misuse);
  CHECK(read.opened.error().message ==
        "several files in the directory may be the checkpoint: \"a.pt\", \"b.pth\"; name one of them");
}

TEST_CASE("safetensors in the same directory are preferred, and other files are none of ours") {
  CHECK(score({{"pytorch_model.bin", file_with("a")}, {"model.safetensors", bytes_of("x")}}) == HEIRLOOM_PROBE_MAYBE);
  CHECK(score({{"pytorch_model.bin", file_with("a")}}) == HEIRLOOM_PROBE_CONTENT);
  CHECK(score({{"config.json", bytes_of("{}")}}) == HEIRLOOM_PROBE_NO);
  CHECK(score({{"a.pt", build_zip({{{"arr_0.npy", bytes_of("x")}}}).bytes}}, "a.pt") == HEIRLOOM_PROBE_NO);
  CHECK(score({{"README", bytes_of("This is no pickle.")}}, "README") == HEIRLOOM_PROBE_NO);
}
