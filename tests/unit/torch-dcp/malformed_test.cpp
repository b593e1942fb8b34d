#include "build_dcp.hpp"
#include "plugins/torch-dcp/reader.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace {

using namespace heirloom::test;
using heirloom::Code;

struct Malformation {
  const char* name;
  std::function<void(DcpSpec&)> spoil;
  Code code;
  const char* message;
  const char* file;
  const char* tensor = "w";
};

ChunkSpec& first(DcpSpec& spec) { return spec.tensors[0].chunks[0]; }
ChunkSpec& second(DcpSpec& spec) { return spec.tensors[0].chunks[1]; }

// An archive of a tensor that is said to be of other numbers than those of small_dcp().
Bytes archive(const Numbers& sizes, std::uint64_t elements, const char* storage = "FloatStorage", const Numbers& strides = {},
              std::uint64_t data_bytes = 16) {
  return saved_archive({sizes, Bytes(data_bytes), storage, elements, strides});
}

const Malformation malformations[] = {
    {"the pickle is of another class", [](DcpSpec& s) { s.root_class = "Other"; }, Code::malformed, "a Other, not the Metadata", ".metadata", ""},
    {"bytes follow the pickle", [](DcpSpec& s) { s.trailing = "."; }, Code::malformed, "bytes follow the pickle", ".metadata", ""},
    {"state_dict_metadata is a list", [](DcpSpec& s) { s.state_dict_metadata = pk::list({}); }, Code::malformed,
     "state_dict_metadata is a list, not a dict", ".metadata", ""},
    {"storage_data is nothing", [](DcpSpec& s) { s.storage_data = pk::none(); }, Code::malformed, "storage_data is none, not a dict", ".metadata", ""},
    {"a name is a number", [](DcpSpec& s) { s.state_dict_metadata = pk::dict({{pk::integer(1), pk::none()}}); }, Code::malformed, "not text", ".metadata", ""},
    {"two tensors of one name", [](DcpSpec& s) { s.tensors[1].name = "w"; }, Code::malformed, "two entries", ".metadata"},
    {"an entry of an unknown class", [](DcpSpec& s) { s.tensors[0].entry = pk::object("x", "QuantizedMetadata"); }, Code::unsupported,
     "a QuantizedMetadata, which is neither", ".metadata"},
    {"an entry without a size", [](DcpSpec& s) { s.tensors[0].entry = pk::object("x", "TensorStorageMetadata", pk::dict({})); }, Code::malformed,
     "without \"properties\"", ".metadata"},
    {"a data type that is none", [](DcpSpec& s) { s.tensors[0].dtype = pk::text("float32"); }, Code::unsupported, "is not known", ".metadata"},
    {"a data type that nobody knows", [](DcpSpec& s) { s.tensors[0].dtype = pk::global("torch", "float33"); }, Code::unsupported,
     "\"torch.float33\" is not known", ".metadata"},
    {"a sparse tensor", [](DcpSpec& s) { s.tensors[0].layout = "torch.sparse_coo"; }, Code::unsupported, "torch.sparse_coo", ".metadata"},
    {"a size that overflows", [](DcpSpec& s) { s.tensors[0].shape = {1u << 31, 1u << 31, 16}; }, Code::malformed, "does not fit 64 bits", ".metadata"},
    {"a negative dimension", [](DcpSpec& s) { s.tensors[0].shape = {~0ull, 2}; }, Code::malformed, "", ".metadata"},
    {"a chunk of other dimensions", [](DcpSpec& s) { first(s).offsets = {0}; }, Code::malformed, "1 offsets and 2 sizes", ".metadata"},
    {"a chunk beyond the tensor", [](DcpSpec& s) { second(s).sizes = {3, 2}; }, Code::malformed, "goes beyond the tensor's [4, 2]", ".metadata"},
    {"a chunk whose end overflows", [](DcpSpec& s) { second(s).offsets = {INT64_MAX, 0}; }, Code::malformed, "goes beyond", ".metadata"},
    {"a hole between chunks", [](DcpSpec& s) { s.tensors[0].shape = {5, 2}; }, Code::malformed, "at [4, 0]: a hole", ".metadata"},
    {"no chunks", [](DcpSpec& s) { s.tensors[0].chunks.clear(); }, Code::malformed, "at [0, 0]: a hole", ".metadata"},
    {"chunks that overlap", [](DcpSpec& s) { second(s).offsets = {1, 0}; second(s).sizes = {3, 2}; }, Code::malformed, "at [1, 0]: an overlap", ".metadata"},
    {"two chunks at one place", [](DcpSpec& s) { second(s).offsets = {0, 0}; }, Code::malformed, "two chunks begin at [0, 0]", ".metadata"},
    {"a chunk without an item", [](DcpSpec& s) { second(s).has_item = false; }, Code::malformed, "no item for the chunk at [2, 0]", ".metadata"},
    {"an item for another offset", [](DcpSpec& s) { second(s).index_offset = torch_size({3, 0}); }, Code::malformed, "no item for the chunk at [2, 0]", ".metadata"},
    {"two items for one chunk", [](DcpSpec& s) { second(s).index_offset = torch_size({0, 0}); }, Code::malformed, "two items", ".metadata"},
    {"a key that is no MetadataIndex", [](DcpSpec& s) { s.storage_data = pk::dict({{pk::text("w"), pk::none()}}); }, Code::malformed, "no MetadataIndex", ".metadata", ""},
    {"a place that is no _StorageInfo", [](DcpSpec& s) { first(s).info_class = "Elsewhere"; }, Code::unsupported, "no _StorageInfo", ".metadata"},
    {"a file that is not there", [](DcpSpec& s) { first(s).path = "__7_0.distcp"; }, Code::io, "\"__7_0.distcp\"", ".metadata"},
    {"a file above the directory", [](DcpSpec& s) { first(s).path = "../__0_0.distcp"; }, Code::malformed, "no name of a file in the checkpoint's directory", ".metadata"},
    {"an absolute path", [](DcpSpec& s) { first(s).path = "/etc/passwd"; }, Code::malformed, "no name of a file", ".metadata"},
    {"a path with a dot", [](DcpSpec& s) { first(s).path = "./__0_0.distcp"; }, Code::malformed, "no name of a file", ".metadata"},
    {"a path with a backslash", [](DcpSpec& s) { first(s).path = "a\\b"; }, Code::malformed, "no name of a file", ".metadata"},
    {"an item beyond the file", [](DcpSpec& s) { second(s).length_change = 1; }, Code::malformed, "goes beyond the end of \"__1_0.distcp\"", ".metadata"},
    {"an item of almost 2^63 bytes", [](DcpSpec& s) { second(s).length_change = INT64_MAX - 4096; }, Code::malformed, "goes beyond the end", ".metadata"},
    {"an item of a negative offset", [](DcpSpec& s) { second(s).offset_change = -1; }, Code::malformed, "no offset that is a number", ".metadata"},
    {"items that overlap", [](DcpSpec& s) { s.tensors[1].chunks[0].offset_change = -10; s.tensors[1].chunks[0].length_change = 10; }, Code::malformed,
     "overlaps that of \"w\"", ".metadata", "n"},
    {"an item that is cut short", [](DcpSpec& s) { second(s).length_change = -1; }, Code::malformed, "", "__1_0.distcp"},
    {"an item that begins late", [](DcpSpec& s) { second(s).offset_change = 1; second(s).length_change = -1; }, Code::malformed, "", "__1_0.distcp"},
    {"a compressed item", [](DcpSpec& s) { first(s).transforms = pk::list({pk::text("stream.zstd")}); }, Code::unsupported, "\"stream.zstd\"", ".metadata"},
    {"a chunk that is no tensor", [](DcpSpec& s) { first(s).archive = saved_archive({{}, {}, "", 0, {}, "little", pk::integer(1)}); }, Code::malformed,
     "holds an integer, not a tensor", "__0_0.distcp"},
    {"a chunk of another shape", [](DcpSpec& s) { first(s).archive = archive({4}, 4); }, Code::malformed, "size is [4], but the metadata says [2, 2]", "__0_0.distcp"},
    {"a chunk of another data type", [](DcpSpec& s) { first(s).archive = archive({2, 2}, 4, "IntStorage"); }, Code::malformed,
     "data type is int32, but the metadata says float32", "__0_0.distcp"},
    {"a view beyond its storage", [](DcpSpec& s) { first(s).archive = archive({2, 2}, 4, "FloatStorage", {3, 1}); }, Code::malformed, "", "__0_0.distcp"},
    {"a storage that is too short", [](DcpSpec& s) { first(s).archive = archive({2, 2}, 4, "FloatStorage", {}, 12); }, Code::malformed, "", "__0_0.distcp"},
    {"a chunk that a pickle of another kind precedes", [](DcpSpec& s) { first(s).archive = bytes_of("\x80\x02N. and no archive at all, as it seems"); },
     Code::malformed, "", "__0_0.distcp"},
    {"byte orders that differ", [](DcpSpec& s) { first(s).archive = saved_archive({{2, 2}, Bytes(16), "FloatStorage", 4, {}, "big"}); }, Code::unsupported,
     "different byte orders", "__1_0.distcp"},
};

}  // namespace

TEST_CASE("every malformation is refused with its reason, its tensor and its byte") {
  for (const Malformation& row : malformations) {
    INFO(row.name);
    DcpSpec spec = small_dcp();
    row.spoil(spec);
    const auto files = build_dcp(spec);
    const MemoryHost host(files, "");
    const auto opened = heirloom::torch_dcp::DcpReader().open(0, host.files(), {});
    REQUIRE_FALSE(opened.has_value());
    const heirloom::Error& error = opened.error();
    INFO(error.message);
    CHECK(error.code == row.code);
    CHECK(error.message.find(row.message) != std::string::npos);
    CHECK(error.file == row.file);
    CHECK(error.tensor == row.tensor);
    REQUIRE(error.position != heirloom::no_position);
    CHECK(error.position <= files.at(row.file).size());
  }
}

TEST_CASE("a cut at any byte of .metadata is refused") {
  auto files = build_dcp(small_dcp());
  const Bytes whole = files[".metadata"];
  for (std::size_t size = 0; size < whole.size(); ++size) {
    files[".metadata"] = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const MemoryHost host(files, "");
    const auto opened = heirloom::torch_dcp::DcpReader().open(0, host.files(), {});
    INFO(size);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().file == ".metadata");
  }
}
