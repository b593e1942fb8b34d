#include "plugins/pytorch/writer.hpp"

#include "heirloom/encodings.hpp"
#include "plugins/common/zip/archive.hpp"
#include "plugins/common/zip/crc32.hpp"
#include "tests/support/memory_host.hpp"

#include <doctest/doctest.h>

using heirloom::Attr;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Layout;
using heirloom::Options;
using heirloom::test::Bytes;
using heirloom::test::materialize;
using heirloom::test::MemoryHost;
namespace pytorch = heirloom::pytorch;
namespace zip = heirloom::zip;

namespace {

Checkpoint described(std::vector<heirloom::Tensor> tensors) {
  Checkpoint checkpoint{"any"};
  for (auto& tensor : tensors)
    if (const auto* known = heirloom::find_well_known_encoding(tensor.encoding))
      checkpoint.use_encoding({tensor.encoding, known->block_elements, known->block_bytes});
  checkpoint.tensors = std::move(tensors);
  return checkpoint;
}

// Layout with what finish() adds.
Layout whole(const Checkpoint& checkpoint, const std::vector<Bytes>& bytes, const Options& options) {
  const pytorch::PytorchWriter writer;
  Layout layout = writer.plan(0, checkpoint, options).value();
  std::vector<std::uint64_t> checksums;
  for (const auto& placement : layout.placements)
    checksums.push_back(zip::crc32(bytes[placement.tensor]));
  const auto last = writer.finish(0, checkpoint, options, layout, checksums).value();
  layout.literals.insert(layout.literals.end(), last.begin(), last.end());
  return layout;
}

}  // namespace

TEST_CASE("records are named, aligned and summed as PyTorch's are") {
  std::vector<heirloom::Tensor> tensors;
  std::vector<Bytes> bytes;
  for (std::size_t i = 0; i < 12; ++i) {
    tensors.push_back({"t" + std::to_string(i), "u8", {i * 10}});
    bytes.emplace_back(i * 10, static_cast<std::uint8_t>(i));
  }
  const MemoryHost host(materialize(whole(described(tensors), bytes, {Attr::text("target_name", "a.b.pt")}), bytes));
  const auto archive = zip::Archive::open(host.files(), "a.b.pt").value();
  REQUIRE(archive.members().size() == 14);
  CHECK(archive.members()[0].name == "a.b/data.pkl");
  CHECK(archive.members()[2].name == "a.b/data/1");
  CHECK(archive.members()[3].name == "a.b/data/10");
  CHECK(archive.members()[13].name == "a.b/version");
  for (const auto& member : archive.members())
    CHECK(member.offset % 64 == 0);
  for (std::size_t i = 0; i < 12; ++i)
    CHECK(archive.read("a.b/data/" + std::to_string(i), 1000).value() == bytes[i]);
  CHECK(archive.read("a.b/version", 10).value() == Bytes{'3', '\n'});
}

TEST_CASE("shards are called as transformers calls them, and a large tensor has one of its own") {
  const Checkpoint checkpoint = described({{"a", "u8", {40}}, {"b", "u8", {60}}, {"large", "u8", {500}}, {"c", "u8", {10}}});
  const std::vector<Bytes> bytes = {Bytes(40), Bytes(60), Bytes(500), Bytes(10)};
  const Layout layout = whole(checkpoint, bytes, {Attr::scalar<std::uint64_t>("max_shard_size", 100)});
  REQUIRE(layout.files.size() == 4);
  CHECK(layout.files[0].name == "pytorch_model-00001-of-00003.bin");
  CHECK(layout.files[2].name == "pytorch_model-00003-of-00003.bin");
  CHECK(layout.files[3].name == "pytorch_model.bin.index.json");
  const auto files = materialize(layout, bytes);
  const Bytes& index = files.at("pytorch_model.bin.index.json");
  const std::string text(index.begin(), index.end());
  CHECK(text.find("\"total_size\": 610") != std::string::npos);
  CHECK(text.find("\"large\": \"pytorch_model-00002-of-00003.bin\"") != std::string::npos);
  const MemoryHost host(files);
  for (int i = 0; i < 3; ++i)
    CHECK(zip::Archive::open(host.files(), layout.files[static_cast<std::size_t>(i)].name));
}

TEST_CASE("a name that cannot be a folder of an archive makes it \"archive\", as PyTorch calls a stream") {
  for (const char* name : {".bin", "..bin", "a\\b.pt"}) {
    const Layout layout = whole(described({{"a", "u8", {4}}}), {Bytes(4)}, {Attr::text("target_name", name)});
    const MemoryHost host(materialize(layout, {Bytes(4)}));
    CHECK(zip::Archive::open(host.files(), name).value().members()[0].name == "archive/data.pkl");
  }
}

TEST_CASE("sizes and places beyond 4 GiB go into zip64 fields, and the file still opens") {
  const Checkpoint checkpoint = described({{"large", "u8", {1ull << 32}}, {"small", "u8", {4}}});
  const Layout layout = pytorch::PytorchWriter().plan(0, checkpoint, {Attr::text("target_name", "m.pt")}).value();
  for (const auto& placement : layout.placements)
    CHECK(placement.offset % 64 == 0);
  const auto last = pytorch::PytorchWriter().finish(0, checkpoint, {}, layout, std::vector<std::uint64_t>{1, 2}).value();
  CHECK(last[0].bytes.size() == 24);  // descriptor of a large record
  CHECK(last[1].bytes.size() == 24);  // and of one behind it
}

TEST_CASE("what PyTorch cannot hold is refused with its reason before anything is written") {
  struct Row {
    const char* what;
    Checkpoint checkpoint;
    const char* message;
    Code code = Code::unsupported;
  };
  Checkpoint with_attr = described({{"a", "f32", {2}}});
  with_attr.attrs.push_back(Attr::text("key", "value"));
  Checkpoint big = described({{"a", "f32", {2}}});
  big.tensors[0].big_endian = true;
  const Row rows[] = {
      {"blocks", described({{"a", "q8_0", {32}}}), "for which PyTorch has no data type"},
      {"newer types", described({{"a", "f8_e4m3", {32}}}), "torch.float8_e4m3fn, which only newer versions"},
      {"metadata", with_attr, "no place for metadata such as \"key\""},
      {"big endian", big, "big endian"},
      {"name", described({{"\xff", "f32", {2}}}), "no UTF-8"},
      {"twice", described({{"a", "f32", {2}}, {"a", "f32", {2}}}), "name of two tensors", Code::misuse},
      {"too large", described({{"a", "f32", {1ull << 62, 4}}}), "impossible shape", Code::misuse},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto plan = pytorch::PytorchWriter().plan(0, row.checkpoint, {});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == row.code);
    CHECK(plan.error().message.find(row.message) != std::string::npos);
  }
}
