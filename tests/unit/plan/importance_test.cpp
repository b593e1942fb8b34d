#include "engine/plan/importance.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

using namespace heirloom;
using namespace heirloom::test;
using plan::ImportanceMatrix;

namespace {

using Bytes = std::vector<std::uint8_t>;

template <class T>
void put(Bytes& bytes, T value) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
  bytes.insert(bytes.end(), raw, raw + sizeof value);
}

void put_text(Bytes& bytes, std::string_view text) {
  put(bytes, static_cast<std::int32_t>(text.size()));
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// Two entries: "a" of three sums and three calls, "b" of one sum that was never called; ten chunks of "text".
//   | 0 entries | 4 "a" | 9 calls | 13 values | 17..28 sums | 29 "b" | 34 calls | 38 values | 42 sum | 46 chunks | 50 "text"
Bytes legacy() {
  Bytes bytes;
  put(bytes, std::int32_t{2});
  put_text(bytes, "a");
  put(bytes, std::int32_t{3});
  put(bytes, std::int32_t{3});
  for (const float sum : {1.0f, 0.0f, 10.0f})
    put(bytes, sum);
  put_text(bytes, "b");
  put(bytes, std::int32_t{0});
  put(bytes, std::int32_t{1});
  put(bytes, 7.0f);
  put(bytes, std::int32_t{10});
  put_text(bytes, "text");
  return bytes;
}

template <class T>
void set(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

struct Malformed {
  const char* what;
  std::function<void(Bytes&)> edit;
  const char* message;
  std::uint64_t position;
};

const std::vector<Malformed> malformed_legacy = {
    {"no entries", [](Bytes& b) { set(b, 0, 0); }, "0 entries", 0},
    {"a negative number of entries", [](Bytes& b) { set(b, 0, -1); }, "-1 entries", 0},
    {"more entries than the file has room for", [](Bytes& b) { set(b, 0, 1 << 30); }, "the file ends", 4},
    {"one entry too many", [](Bytes& b) { set(b, 0, 3); }, "", no_position},
    {"a name of negative length", [](Bytes& b) { set(b, 4, -5); }, "-5 bytes", 4},
    {"a name past the end", [](Bytes& b) { set(b, 4, 1 << 20); }, "the file ends", 8},
    {"a name with NUL", [](Bytes& b) { b[8] = 0; }, "NUL", 8},
    {"no name", [](Bytes& b) { set(b, 4, 0); b.erase(b.begin() + 8); }, "no name", 4},
    {"a name twice", [](Bytes& b) { b[33] = 'a'; }, "twice", 29},
    {"no values", [](Bytes& b) { set(b, 13, 0); }, "0 values", 13},
    {"a negative number of values", [](Bytes& b) { set(b, 13, -3); }, "-3 values", 13},
    {"values past the end", [](Bytes& b) { set(b, 13, 1 << 29); }, "the file ends", 17},
    {"NaN", [](Bytes& b) { set(b, 21, std::nanf("")); }, "not finite", 21},
    {"infinity", [](Bytes& b) { set(b, 17, std::numeric_limits<float>::infinity()); }, "not finite", 17},
    {"a negative value", [](Bytes& b) { set(b, 25, -1.0f); }, "negative", 25},
    {"a cut-off number of chunks", [](Bytes& b) { b.resize(48); }, "the file ends", 46},
    {"a cut-off data set", [](Bytes& b) { b.resize(56); }, "the file ends", 54},
    {"bytes after the end", [](Bytes& b) { b.push_back(0); }, "1 bytes after the end", 58},
    {"nothing", [](Bytes& b) { b.clear(); }, "the file ends", 0},
};

// A checkpoint as the GGUF reader describes the current format.
class GgufFile {
 public:
  GgufFile() {
    checkpoint_.attrs = {Attr::text("general.type", "imatrix"), Attr::texts("imatrix.datasets", {"text", "more"}),
                         Attr::scalar("imatrix.chunk_count", std::uint32_t{10}),
                         Attr::scalar("imatrix.chunk_size", std::uint32_t{512})};
    checkpoint_.encodings = {{"f32", 1, 4}, {"f16", 1, 2}};
  }

  void add(const std::string& name, std::vector<std::uint64_t> shape, const std::vector<float>& values) {
    checkpoint_.tensors.push_back({name, "f32", std::move(shape), {{0, content_.size(), 4 * values.size()}}});
    content_.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
  }

  std::vector<Attr>& attrs() { return checkpoint_.attrs; }
  Tensor& tensor(std::size_t i) { return checkpoint_.tensors[i]; }

  Result<ImportanceMatrix> read() {
    const TempDirectory directory;
    write_file(directory / "in.gguf", content_);
    checkpoint_.files = {{"in.gguf", content_.size()}};
    model::Source source;
    source.files = base::FileSet::open(directory / "in.gguf").value();
    source.checkpoint = checkpoint_;
    return plan::importance_of_gguf(source);
  }

 private:
  Checkpoint checkpoint_{"gguf"};
  std::string content_;
};

// Two experts of three columns, the second never called.
GgufFile experts() {
  GgufFile file;
  file.add("a.in_sum2", {2, 3}, {1, 0, 10, 5, 6, 7});
  file.add("a.counts", {2, 1}, {3, 0});
  return file;
}

Error error_of(GgufFile& file) {
  const auto matrix = file.read();
  REQUIRE_FALSE(matrix);
  return matrix.error();
}

}  // namespace

TEST_CASE("a legacy matrix gives sums over calls, in binary32") {
  const auto matrix = plan::parse_legacy_importance(legacy());
  REQUIRE(matrix);
  CHECK(matrix->entries.at("a") == std::vector<float>{1.0f / 3.0f, 0.0f, 10.0f / 3.0f});
  CHECK(matrix->entries.at("b") == std::vector<float>{7.0f});
  CHECK(matrix->chunk_count == 10);
  CHECK(matrix->datasets == std::vector<std::string>{"text"});
}

TEST_CASE("the number of chunks and the data set of a legacy matrix may be missing") {
  Bytes bytes = legacy();
  bytes.resize(50);
  CHECK(plan::parse_legacy_importance(bytes)->chunk_count == 10);
  bytes.resize(46);
  const auto matrix = plan::parse_legacy_importance(bytes);
  REQUIRE(matrix);
  CHECK(matrix->chunk_count == 0);
  CHECK(matrix->datasets.empty());
}

TEST_CASE("a malformed legacy matrix is refused where it is wrong") {
  for (const Malformed& row : malformed_legacy) {
    CAPTURE(row.what);
    Bytes bytes = legacy();
    row.edit(bytes);
    const auto matrix = plan::parse_legacy_importance(bytes);
    REQUIRE_FALSE(matrix);
    CHECK(matrix.error().code == Code::malformed);
    CHECK_MESSAGE(matrix.error().message.find(row.message) != std::string::npos, matrix.error().message);
    if (row.position != no_position)
      CHECK(matrix.error().position == row.position);
  }
}

TEST_CASE("a legacy matrix cut off anywhere is refused, but where its optional parts begin") {
  const Bytes whole = legacy();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(plan::parse_legacy_importance(std::span(whole).first(size)).has_value() == (size == 46 || size == 50));
  }
}

TEST_CASE("a GGUF matrix gives sums over counts expert by expert, and 1 for one that was never called") {
  GgufFile file = experts();
  file.add("unrelated", {1}, {3});
  const auto matrix = file.read();
  REQUIRE(matrix);
  CHECK(matrix->entries.size() == 1);
  CHECK(matrix->entries.at("a") == std::vector<float>{1.0f / 3.0f, 0, 10.0f / 3.0f, 1, 1, 1});
  CHECK(matrix->chunk_count == 10);
  CHECK(matrix->datasets == std::vector<std::string>{"text", "more"});
}

TEST_CASE("a GGUF matrix of a big-endian machine is read all the same") {
  GgufFile file;
  file.add("a.in_sum2", {1}, {std::bit_cast<float>(0x0000'0040u)});  // 2.0 reversed
  file.add("a.counts", {1}, {1});
  file.tensor(0).big_endian = true;
  CHECK(file.read()->entries.at("a") == std::vector<float>{2.0f});
}

TEST_CASE("a malformed GGUF matrix is refused with the tensor or key that is wrong") {
  struct Case {
    const char* what;
    std::function<void(GgufFile&)> edit;
    const char* message;
    const char* tensor;
  };
  const Case cases[] = {
      {"no number of chunks", [](GgufFile& f) { f.attrs().erase(f.attrs().begin() + 2); }, "imatrix.chunk_count", ""},
      {"a number of chunks of another type", [](GgufFile& f) { f.attrs()[2] = Attr::text("imatrix.chunk_count", "1"); },
       "imatrix.chunk_count", ""},
      {"no chunk size", [](GgufFile& f) { f.attrs().pop_back(); }, "imatrix.chunk_size", ""},
      {"no data sets", [](GgufFile& f) { f.attrs().erase(f.attrs().begin() + 1); }, "imatrix.datasets", ""},
      {"counts that do not divide the sums", [](GgufFile& f) { f.add("b.in_sum2", {3}, {1, 2, 3}); f.add("b.counts", {2}, {1, 1}); },
       "2 counts do not go with 3 sums", "b.counts"},
      {"no counts", [](GgufFile& f) { f.add("b.in_sum2", {1}, {1}); }, ".counts is missing", "b.in_sum2"},
      {"no sums", [](GgufFile& f) { f.add("b.counts", {1}, {1}); }, ".in_sum2 is missing", "b.counts"},
      {"sums of no elements", [](GgufFile& f) { f.add("b.in_sum2", {0}, {}); f.add("b.counts", {1}, {1}); }, "0 sums", "b.counts"},
      {"no counts at all", [](GgufFile& f) { f.add("b.in_sum2", {1}, {1}); f.add("b.counts", {0}, {}); }, "0 counts", "b.counts"},
      {"a NaN count", [](GgufFile& f) { f.add("b.in_sum2", {1}, {1}); f.add("b.counts", {1}, {std::nanf("")}); }, "not finite", "b.counts"},
      {"a NaN sum", [](GgufFile& f) { f.add("b.in_sum2", {2}, {1, std::nanf("")}); f.add("b.counts", {1}, {1}); },
       "element 1", "b.in_sum2"},
      {"a negative sum", [](GgufFile& f) { f.add("b.in_sum2", {1}, {-1}); f.add("b.counts", {1}, {1}); }, "negative", "b.in_sum2"},
      {"numbers that are not f32", [](GgufFile& f) { f.tensor(0).encoding = "f16"; }, "not f32", "a.in_sum2"},
  };
  for (const Case& row : cases) {
    CAPTURE(row.what);
    GgufFile file = experts();
    row.edit(file);
    const Error error = error_of(file);
    CHECK(error.code == Code::malformed);
    CHECK_MESSAGE(error.message.find(row.message) != std::string::npos, error.message);
    CHECK(error.tensor == row.tensor);
  }
  GgufFile empty;
  CHECK(error_of(empty).message.find("without entries") != std::string::npos);
}
