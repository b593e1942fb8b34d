#include "plugins/numpy/writer.hpp"
#include "heirloom/encodings.hpp"
#include "plugins/common/zip/archive.hpp"
#include "plugins/common/zip/crc32.hpp"
#include "tests/unit/numpy/support.hpp"

using heirloom::Attr;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Layout;
using heirloom::Options;
using heirloom::test::Bytes;
using heirloom::test::counting;
using heirloom::test::materialize;
using heirloom::test::OpenFile;
namespace numpy = heirloom::numpy;
namespace zip = heirloom::zip;

namespace {

Checkpoint described(std::vector<heirloom::Tensor> tensors) {
  Checkpoint checkpoint{"any"};
  for (auto& tensor : tensors) {
    const auto* known = heirloom::find_well_known_encoding(tensor.encoding);
    checkpoint.use_encoding({tensor.encoding, known->block_elements, known->block_bytes});
  }
  checkpoint.tensors = std::move(tensors);
  return checkpoint;
}

// The file that a plan and these bytes make.
Bytes written(std::uint32_t format, const Checkpoint& checkpoint, const std::vector<Bytes>& bytes, const std::string& name) {
  const numpy::NumpyWriter writer;
  const Options options = {Attr::text("target_name", name)};
  Layout layout = writer.plan(format, checkpoint, options).value();
  if (!layout.checksum.empty()) {
    std::vector<std::uint64_t> checksums;
    for (const auto& placement : layout.placements)
      checksums.push_back(zip::crc32(bytes[placement.tensor]));
    const auto last = writer.finish(format, checkpoint, options, layout, checksums).value();
    layout.literals.insert(layout.literals.end(), last.begin(), last.end());
  }
  return materialize(layout, bytes).at(name);
}

}  // namespace

TEST_CASE("a .npy file has NumPy's own header") {
  const Bytes file = written(numpy::npy_format, described({{"w", "f32", {3, 4}}}), {counting(48)}, "w.npy");
  const std::string text(file.begin(), file.end());
  CHECK(file.size() == 128 + 48);
  CHECK(text.substr(0, 10) == std::string("\x93NUMPY\x01\0v\0", 10));
  CHECK(text.substr(10, 60) == "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } ");
  CHECK(text[127] == '\n');
}

TEST_CASE("what is written reads back: shapes, types, names, checksums") {
  const Checkpoint checkpoint = described({{"a", "f32", {2, 3}}, {"none", "i8", {0, 4}}, {"scalar", "f64", {}}, {"w/\xc3\xa9", "bf16", {5}}});
  const std::vector<Bytes> bytes = {counting(24), {}, counting(8), counting(10)};
  const OpenFile file("m.npz", written(numpy::npz_format, checkpoint, bytes, "m.npz"));
  REQUIRE_MESSAGE(file.is_open(), file.error().message);
  REQUIRE(file.description().tensors.size() == 4);
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(file.description().tensors[i].name == checkpoint.tensors[i].name);
    CHECK(file.description().tensors[i].encoding == checkpoint.tensors[i].encoding);
    CHECK(file.description().tensors[i].shape == checkpoint.tensors[i].shape);
    CHECK(file.bytes(i, bytes[i].size()) == bytes[i]);
  }
  const heirloom::test::MemoryHost host({{"m.npz", written(numpy::npz_format, checkpoint, bytes, "m.npz")}});
  const auto archive = zip::Archive::open(host.files(), "m.npz").value();
  for (const auto& member : archive.members())
    CHECK(archive.read(member, 10'000));
}

TEST_CASE("what cannot be written is refused before anything is") {
  struct Row {
    const char* what;
    std::uint32_t format;
    Checkpoint checkpoint;
    const char* message;
  };
  Checkpoint with_attr = described({{"a", "f32", {2}}});
  with_attr.attrs.push_back(Attr::text("key", "value"));
  const Row rows[] = {
      {"two arrays", numpy::npy_format, described({{"a", "f32", {2}}, {"b", "f32", {2}}}), ".npz holds several"},
      {"blocks", numpy::npz_format, described({{"a", "q8_0", {32}}}), "for which NumPy has no type"},
      {"8-bit floats", numpy::npz_format, described({{"a", "f8_e4m3", {32}}}), "for which NumPy has no type"},
      {"dimensions", numpy::npz_format, described({{"a", "f32", std::vector<std::uint64_t>(33, 1)}}), "33 dimensions"},
      {"name", numpy::npz_format, described({{"../a", "f32", {2}}}), "cannot be a name"},
      {"no name", numpy::npz_format, described({{"", "f32", {2}}}), "cannot be a name"},
      {"metadata", numpy::npz_format, with_attr, "no place for metadata such as \"key\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto plan = numpy::NumpyWriter().plan(row.format, row.checkpoint, {Attr::text("target_name", "x")});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == Code::unsupported);
    CHECK(plan.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("a file without a name from the user is called after its tensor") {
  const numpy::NumpyWriter writer;
  CHECK(writer.plan(numpy::npy_format, described({{"bias", "f32", {2}}}), {}).value().files[0].name == "bias.npy");
  CHECK_FALSE(writer.plan(numpy::npy_format, described({{"a/b", "f32", {2}}}), {}));
  CHECK(writer.plan(numpy::npz_format, described({{"a/b", "f32", {2}}}), {}).value().files[0].name == "model.npz");
}

TEST_CASE("sizes beyond 2 GiB go into zip64 fields, as Python writes them") {
  const Checkpoint checkpoint = described({{"large", "u8", {1ull << 32}}, {"small", "u8", {4}}});
  const Layout layout = numpy::NumpyWriter().plan(numpy::npz_format, checkpoint, {}).value();
  const std::vector<std::uint64_t> checksums = {1, 2};
  const auto last = numpy::NumpyWriter().finish(numpy::npz_format, checkpoint, {}, layout, checksums).value();
  const std::uint64_t end = last.back().offset + last.back().bytes.size();
  CHECK(end == layout.files[0].size);
  const auto& local = layout.literals[1].bytes;  // from the sizes on
  CHECK(local[0] == 0xff);
  const auto& directory = last.back().bytes;
  CHECK(directory[6] == 45);
  CHECK(directory.size() > 2 * 46 + 22 + 76);
}
