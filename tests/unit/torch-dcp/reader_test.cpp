#include "build_dcp.hpp"
#include "plugins/torch-dcp/reader.hpp"

#include <doctest/doctest.h>

namespace {

using namespace heirloom::test;
using heirloom::Attr;
using heirloom::Options;

struct Opened {
  std::unique_ptr<MemoryHost> host;
  heirloom::Result<std::unique_ptr<heirloom::OpenCheckpoint>> checkpoint;

  const heirloom::Checkpoint& operator*() const { return (*checkpoint)->description(); }
  const heirloom::Checkpoint* operator->() const { return &(*checkpoint)->description(); }
};

Opened open(const DcpSpec& spec, const Options& options = {}, const std::string& primary = "") {
  auto host = std::make_unique<MemoryHost>(build_dcp(spec), primary);
  auto opened = heirloom::torch_dcp::DcpReader().open(0, host->files(), options);
  if (!opened)
    MESSAGE(opened.error().message);
  REQUIRE(opened.has_value());
  return {std::move(host), std::move(opened)};
}

const heirloom::Tensor& tensor(const Opened& opened, const std::string& name) {
  for (const heirloom::Tensor& each : opened->tensors)
    if (each.name == name)
      return each;
  throw std::runtime_error("no tensor " + name);
}

// All bytes of a tensor, read in pieces of `step` bytes.
Bytes bytes_of_tensor(const Opened& opened, const std::string& name, std::uint64_t size, std::uint64_t step) {
  const heirloom::Tensor& wanted = tensor(opened, name);
  Bytes bytes(size);
  if (!wanted.decoded) {
    std::uint64_t at = 0;
    for (const heirloom::Extent& extent : wanted.extents) {
      REQUIRE(opened.host->files().read(opened->files[extent.file].name, extent.offset, std::span(bytes).subspan(at, extent.size)));
      at += extent.size;
    }
    REQUIRE(at == size);
    return bytes;
  }
  const auto index = static_cast<std::uint32_t>(&wanted - opened->tensors.data());
  for (std::uint64_t at = 0; at < size; at += step)
    REQUIRE((*opened.checkpoint)->decode(index, at, std::span(bytes).subspan(at, std::min(step, size - at))));
  return bytes;
}

// A matrix of 6 x 5 counted from 0, cut into boxes, each on a rank of its own.
TensorSpec cut_matrix(const std::vector<std::pair<Numbers, Numbers>>& boxes) {
  TensorSpec matrix{"m", {6, 5}, {}};
  for (const auto& [offsets, sizes] : boxes) {
    Bytes data;
    for (std::uint64_t row = 0; row < sizes[0]; ++row) {
      const Bytes run = counted(sizes[1], static_cast<float>((offsets[0] + row) * 5 + offsets[1]));
      data.insert(data.end(), run.begin(), run.end());
    }
    matrix.chunks.push_back({offsets, sizes, "__" + std::to_string(matrix.chunks.size()) + "_0.distcp",
                             saved_archive({sizes, data, "FloatStorage", sizes[0] * sizes[1]})});
  }
  return matrix;
}

}  // namespace

TEST_CASE("chunks of whole rows become extents in the tensor's order") {
  DcpSpec spec = small_dcp();
  std::swap(spec.tensors[0].chunks[0], spec.tensors[0].chunks[1]);
  const Opened opened = open(spec);
  CHECK(opened->format == "torch-dcp");
  CHECK(opened->version == "2.9");
  REQUIRE(opened->tensors.size() == 2);
  CHECK_FALSE(tensor(opened, "w").decoded);
  CHECK(tensor(opened, "w").extents.size() == 2);
  CHECK(tensor(opened, "w").shape == Numbers{4, 2});
  CHECK(bytes_of_tensor(opened, "w", 32, 32) == counted(8, 0));
  CHECK(bytes_of_tensor(opened, "n", 12, 12) == counted(3, 100));
  CHECK(opened->findings.empty());
  CHECK(opened->warnings.empty());
  CHECK(opened->checksums.size() == 3);
}

TEST_CASE("any other tiling is put together, whatever piece is asked for") {
  const std::vector<std::vector<std::pair<Numbers, Numbers>>> cuts = {
      {{{0, 0}, {6, 2}}, {{0, 2}, {6, 3}}},
      {{{0, 0}, {4, 2}}, {{4, 0}, {2, 2}}, {{0, 2}, {1, 3}}, {{1, 2}, {5, 3}}},
      {{{3, 1}, {3, 4}}, {{3, 0}, {3, 1}}, {{0, 0}, {3, 4}}, {{0, 4}, {3, 1}}}};
  for (const auto& boxes : cuts) {
    DcpSpec spec;
    spec.tensors = {cut_matrix(boxes)};
    const Opened opened = open(spec);
    CHECK(tensor(opened, "m").decoded);
    for (const std::uint64_t step : {1u, 3u, 4u, 7u, 20u, 33u, 120u})
      CHECK(bytes_of_tensor(opened, "m", 120, step) == counted(30, 0));
  }
}

TEST_CASE("a chunk that torch saved transposed is read in the order of its strides") {
  DcpSpec spec;
  const Bytes columns = [] {
    Bytes all;
    for (int column = 0; column < 2; ++column)
      for (int row = 0; row < 3; ++row) {
        const Bytes one = counted(1, static_cast<float>(row * 2 + column));
        all.insert(all.end(), one.begin(), one.end());
      }
    return all;
  }();
  spec.tensors = {{"t", {3, 2}, {{{0, 0}, {3, 2}, "__0_0.distcp", saved_archive({{3, 2}, columns, "FloatStorage", 6, {1, 3}})}}}};
  const Opened opened = open(spec);
  CHECK(tensor(opened, "t").decoded);
  for (const std::uint64_t step : {1u, 5u, 24u})
    CHECK(bytes_of_tensor(opened, "t", 24, step) == counted(6, 0));
}

TEST_CASE("an optimizer's state is left out unless it is asked for") {
  DcpSpec spec = small_dcp();
  spec.tensors[1].name = "optim.state.w.exp_avg";
  spec.values = {{"optim.param_groups.0.lr", saved_archive({{}, {}, "", 0, {}, "little", pk::real(0.5)})}};
  const Opened without = open(spec);
  CHECK(without->tensors.size() == 1);
  REQUIRE(without->left_out.size() == 2);
  CHECK(without->left_out[0].name == "optim.param_groups.0.lr");
  CHECK(without->left_out[1].name == "optim.state.w.exp_avg");
  CHECK(without->left_out[1].shape == Numbers{3});
  CHECK(without->left_out[1].reason.find("optimizer_state=true") != std::string::npos);
  const Opened with = open(spec, {Attr::scalar("optimizer_state", true)});
  CHECK(with->tensors.size() == 2);
  CHECK(with->left_out.empty());
  CHECK(with->attrs.size() == 1);
}

TEST_CASE("values that are no tensors become attributes of their type, or a text") {
  const auto value = [](const pk::Opcodes& root) { return saved_archive({{}, {}, "", 0, {}, "little", root}); };
  DcpSpec spec = small_dcp();
  spec.values = {{"step", value(pk::integer(7))},
                 {"lr", value(pk::real(0.25))},
                 {"note", value(pk::text("kept"))},
                 {"is_done", value(pk::boolean(true))},
                 {"ids", value(pk::list({pk::integer(1), pk::integer(2)}))},
                 {"mixed", value(pk::dict({{pk::text("a"), pk::tuple({pk::integer(1), pk::none(), pk::real(2)})}}))},
                 {"odd", value(pk::reduce(pk::global("datetime", "timedelta"), {pk::integer(3)}))}};
  const Opened opened = open(spec);
  const auto attr = [&](const char* key) { return *heirloom::find_attr(opened->attrs, key); };
  CHECK(attr("step") == Attr::scalar("step", std::int64_t{7}));
  CHECK(attr("lr") == Attr::scalar("lr", 0.25));
  CHECK(attr("note") == Attr::text("note", "kept"));
  CHECK(attr("is_done") == Attr::scalar("is_done", true));
  CHECK(attr("ids") == Attr::array<std::int64_t>("ids", {1, 2}));
  CHECK(attr("mixed") == Attr::text("mixed", "{'a': (1, None, 2.0)}"));
  CHECK(attr("odd") == Attr::text("odd", "datetime.timedelta(3)"));
  CHECK(opened->findings.empty());
}

TEST_CASE("a value that cannot be read costs a warning, and no tensor") {
  DcpSpec spec = small_dcp();
  spec.values = {{"state", bytes_of("not an archive, which torch.save did write once upon a time")}};
  const Opened opened = open(spec);
  CHECK(opened->tensors.size() == 2);
  REQUIRE(opened->warnings.size() == 1);
  CHECK(opened->warnings[0].find("\"state\" is left out: byte 0 of \"__0_0.distcp\"") != std::string::npos);
}

TEST_CASE("what loading with Python would run is reported, wherever in the checkpoint it is") {
  const pk::Opcodes bad = pk::reduce(pk::global("posix", "system"), {pk::text("id")});
  DcpSpec spec = small_dcp();
  spec.values = {{"evil", saved_archive({{}, {}, "", 0, {}, "little", bad})}};
  const Opened opened = open(spec);
  REQUIRE(opened->findings.size() == 1);
  CHECK(opened->findings[0].what == "posix.system");
  CHECK(opened->findings[0].file == "__0_0.distcp");
  CHECK(*heirloom::find_attr(opened->attrs, "evil") == Attr::text("evil", "posix.system('id')"));
}

TEST_CASE("a step directory of OLMo-core is read by what lies in model_and_optim") {
  DcpSpec spec = small_dcp();
  spec.folder = "model_and_optim/";
  spec.files["config.json"] = bytes_of("{}");
  for (ChunkSpec& chunk : spec.tensors[0].chunks)
    chunk.info_module = "olmo_core.distributed.checkpoint.filesystem";
  const Opened opened = open(spec);
  CHECK(opened->files[0].name == "model_and_optim/__0_0.distcp");
  CHECK(bytes_of_tensor(opened, "w", 32, 32) == counted(8, 0));
  CHECK(opened->findings.empty());
}

TEST_CASE("the directory, .metadata and any .distcp file of it are the same checkpoint") {
  for (const char* primary : {"", ".metadata", "__1_0.distcp"}) {
    const Opened opened = open(small_dcp(), {}, primary);
    CHECK(opened->tensors.size() == 2);
  }
  const MemoryHost other({{"a.bin", bytes_of("x")}}, "");
  CHECK(heirloom::torch_dcp::DcpReader().probe(0, other.files()).value() == HEIRLOOM_PROBE_NO);
  const MemoryHost text({{".metadata", bytes_of("{}")}}, "");
  CHECK(heirloom::torch_dcp::DcpReader().probe(0, text.files()).value() == HEIRLOOM_PROBE_NO);
  const MemoryHost right(build_dcp(small_dcp()), "");
  CHECK(heirloom::torch_dcp::DcpReader().probe(0, right.files()).value() == HEIRLOOM_PROBE_CONTENT);
}

TEST_CASE("a prefix is taken off when it is asked for, and never makes two names one") {
  DcpSpec spec = small_dcp();
  spec.tensors[0].name = "model.w";
  spec.tensors[1].name = "model.n";
  CHECK(open(spec)->tensors[0].name == "model.w");
  CHECK(open(spec, {Attr::text("strip_prefix", "auto")})->tensors[0].name == "w");
  CHECK(open(spec, {Attr::text("strip_prefix", "model.")})->tensors[1].name == "n");
  spec.tensors[1].name = "head.n";
  CHECK(open(spec, {Attr::text("strip_prefix", "auto")})->tensors[0].name == "model.w");
  spec.tensors[1].name = "step";
  CHECK(open(spec, {Attr::text("strip_prefix", "auto")})->tensors[0].name == "w");
  CHECK(open(spec, {Attr::text("strip_prefix", "model.")})->tensors[0].name == "w");
  spec.tensors[1].name = "w";
  const MemoryHost host(build_dcp(spec), "");
  CHECK_FALSE(heirloom::torch_dcp::DcpReader().open(0, host.files(), {Attr::text("strip_prefix", "model.")}).has_value());
}

TEST_CASE("what is a container and what a part of a name, the metadata says") {
  DcpSpec spec = small_dcp();
  spec.tensors[0].name = "model.w";
  spec.tensors[1].name = "model.n";
  const auto name_with = [&](const std::vector<pk::Opcodes>& w, const std::vector<pk::Opcodes>& n) {
    spec.planner_data = pk::dict({{pk::text("model.w"), pk::tuple(w)}, {pk::text("model.n"), pk::tuple(n)}});
    return open(spec, {Attr::text("strip_prefix", "auto")})->tensors[0].name;
  };
  CHECK(name_with({pk::text("model"), pk::text("w")}, {pk::text("model"), pk::text("n")}) == "w");
  CHECK(name_with({pk::text("model.w")}, {pk::text("model.n")}) == "model.w");
  CHECK(name_with({pk::text("model"), pk::text("w")}, {pk::text("model.n")}) == "w");
  CHECK(name_with({pk::integer(1)}, {pk::none()}) == "w");
}

TEST_CASE("big-endian chunks are told apart, and tensors without elements need no bytes") {
  DcpSpec spec = small_dcp();
  spec.tensors[1].chunks[0].archive = saved_archive({{3}, counted(3, 100), "FloatStorage", 3, {}, "big"});
  spec.tensors.push_back({"empty", {0, 4}, {{{0, 0}, {0, 4}, "__0_0.distcp", float_box({0, 4}, 0)}}});
  const Opened opened = open(spec);
  CHECK_FALSE(tensor(opened, "w").big_endian);
  CHECK(tensor(opened, "n").big_endian);
  CHECK(tensor(opened, "empty").extents.empty());
  CHECK_FALSE(tensor(opened, "empty").decoded);
}

TEST_CASE("files that the metadata does not name are told") {
  DcpSpec spec = small_dcp();
  spec.files["__9_0.distcp"] = bytes_of("left from before");
  const Opened opened = open(spec);
  REQUIRE(opened->warnings.size() == 1);
  CHECK(opened->warnings[0].find("1 .distcp files") != std::string::npos);
}
