#include "build_torch.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;
using namespace heirloom::test::pk;

namespace {

const Stored one_pair = {{"0", floats({1, 2})}};

Read read_ok(const Bytes& bytes, const Options& options = {}) {
  Read read = read_file(bytes, options);
  REQUIRE_MESSAGE(read.opened.has_value(), read.opened.error().message);
  return read;
}

Options with(Attr option) { return {std::move(option)}; }

}  // namespace

TEST_CASE("a plain tensor is an extent of the file, with the checksum of its storage") {
  const BuiltZip zip = build_zip(torch_zip(dict({{text("w"), pair()}}), one_pair));
  const Read read = read_ok(zip.bytes);
  REQUIRE(read.checkpoint().tensors.size() == 1);
  const Tensor& tensor = read.checkpoint().tensors[0];
  CHECK(tensor.name == "w");
  CHECK(tensor.encoding == "f32");
  CHECK(tensor.shape == std::vector<std::uint64_t>{2});
  CHECK_FALSE(tensor.decoded);
  REQUIRE(tensor.extents.size() == 1);
  CHECK(tensor.extents[0] == Extent{0, zip.at.at("payload:archive/data/0"), 8});
  REQUIRE(read.checkpoint().checksums.size() == 1);
  CHECK(read.checkpoint().checksums[0] == Checksum{0, zip::crc32(floats({1, 2})), tensor.extents[0].offset, 8});
  CHECK_FALSE(read.checkpoint().shared_extents);
  CHECK(read.checkpoint().version == "3");
}

TEST_CASE("nested dicts and lists give dotted names, numbers as keys too") {
  const Read read = read_ok(build_zip_file(
      dict({{text("state_dict"), dict({{text("a.b"), pair()}, {integer(3), list({pair()})}})}}), one_pair));
  REQUIRE(read.checkpoint().tensors.size() == 2);
  CHECK(read.checkpoint().tensors[0].name == "state_dict.a.b");
  CHECK(read.checkpoint().tensors[1].name == "state_dict.3.0");
}

TEST_CASE("an OrderedDict is a dict, of Python 2 too, and the versions in its state are no weights") {
  const Opcodes filled = reduce(global("collections", "OrderedDict"), {}) + text("w") + pair() + "s" +
                         dict({{text("_metadata"), dict({{text("version"), integer(1)}})}}) + "b";
  const Opcodes pairs = reduce(global("collections", "OrderedDict"), {list({list({text("w"), pair()})})});
  for (const Opcodes& root : {filled, pairs}) {
    const Read read = read_ok(build_zip_file(root, one_pair));
    REQUIRE(read.checkpoint().tensors.size() == 1);
    CHECK(read.checkpoint().tensors[0].name == "w");
    CHECK(read.checkpoint().attrs.empty());
    CHECK(read.checkpoint().warnings.empty());
  }
}

TEST_CASE("parameters, and subclasses of tensors, are the tensors in them") {
  const Opcodes parameter = reduce(global("torch._utils", "_rebuild_parameter"), {pair(), boolean(true), none()});
  const Opcodes old_parameter = reduce(global("torch.nn.parameter", "Parameter"), {pair(), boolean(true)});
  const Opcodes subclass =
      reduce(global("torch._tensor", "_rebuild_from_type_v2"),
             {global("torch._utils", "_rebuild_parameter"), global("torch.nn.parameter", "Parameter"),
              tuple({pair(), boolean(true), none()}), dict({})});
  for (const Opcodes& root : {parameter, old_parameter, subclass}) {
    const Read read = read_ok(build_zip_file(root, one_pair));
    REQUIRE(read.checkpoint().tensors.size() == 1);
    CHECK(read.checkpoint().tensors[0].name == "tensor");
    CHECK(read.bytes_of_tensor("tensor") == floats({1, 2}));
    CHECK(read.checkpoint().findings.empty());
  }
}

TEST_CASE("tensors of one storage share its bytes, each at its own offset") {
  const Read read = read_ok(build_zip_file(
      dict({{text("a"), tensor("FloatStorage", "0", 4, 0, {4}, {1})}, {text("b"), tensor("FloatStorage", "0", 4, 2, {2}, {1})}}),
      {{"0", floats({1, 2, 3, 4})}}));
  CHECK(read.checkpoint().shared_extents);
  CHECK(read.bytes_of_tensor("b") == floats({3, 4}));
  CHECK(read.checkpoint().checksums.size() == 1);
}

TEST_CASE("a view with strides is decoded, in pieces of any size") {
  const Read read = read_ok(build_zip_file(tensor("FloatStorage", "0", 7, 1, {3, 2}, {1, 3}), {{"0", floats({0, 1, 2, 3, 4, 5, 6})}}));
  const Tensor& tensor = read.checkpoint().tensors[0];
  CHECK(tensor.decoded);
  const Bytes whole = floats({1, 4, 2, 5, 3, 6});
  CHECK(read.bytes_of_tensor("tensor") == whole);
  for (std::uint64_t begin = 0; begin <= whole.size(); ++begin)
    for (std::uint64_t end = begin; end <= whole.size(); ++end) {
      Bytes piece(end - begin);
      REQUIRE((*read.opened)->decode(0, begin, piece).has_value());
      CHECK(std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)));
    }
}

TEST_CASE("scalars, tensors without elements, and strides of dimensions of 1 need nothing special") {
  const Read read = read_ok(build_zip_file(dict({{text("scalar"), tensor("FloatStorage", "0", 2, 1, {}, {})},
                                                 {text("none"), tensor("FloatStorage", "9", 0, 0, {0, 5}, {5, 1})},
                                                 {text("row"), tensor("FloatStorage", "0", 2, 0, {1, 2}, {999, 1})}}),
                                           one_pair));
  CHECK(read.bytes_of_tensor("scalar") == floats({2}));
  CHECK(read.find("scalar")->shape.empty());
  CHECK(read.find("none")->shape == std::vector<std::uint64_t>{0, 5});
  CHECK(read.find("none")->extents.empty());
  CHECK_FALSE(read.find("row")->decoded);
}

TEST_CASE("every data type has its encoding") {
  const std::pair<const char*, const char*> types[] = {
      {"DoubleStorage", "f64"}, {"FloatStorage", "f32"}, {"HalfStorage", "f16"}, {"BFloat16Storage", "bf16"},
      {"LongStorage", "i64"}, {"IntStorage", "i32"}, {"ShortStorage", "i16"}, {"CharStorage", "i8"}, {"ByteStorage", "u8"},
      {"BoolStorage", "bool"}, {"ComplexFloatStorage", "c64"}, {"ComplexDoubleStorage", "c128"}};
  for (const auto& row : types) {
    const char* const type = row.first;
    const char* const encoding = row.second;
    CAPTURE(std::string(type));
    const Read read = read_ok(build_zip_file(tensor(type, "0", 1, 0, {1}, {1}), {{"0", Bytes(16)}}));
    CHECK(read.checkpoint().tensors[0].encoding == encoding);
  }
}

TEST_CASE("a data type beside an untyped storage counts sizes in its own elements") {
  const auto v3 = [](const char* dtype) {
    return reduce(global("torch._utils", "_rebuild_tensor_v3"),
                  {storage("UntypedStorage", "0", 8), integer(1), sizes({3}), sizes({1}), boolean(false), none(),
                   global("torch", dtype)});
  };
  const Read read = read_ok(build_zip_file(dict({{text("a"), v3("uint16")}, {text("b"), v3("float8_e4m3fn")}}), {{"0", Bytes(8)}}));
  CHECK(read.find("a")->encoding == "u16");
  CHECK(read.find("a")->extents[0].size == 6);
  CHECK(read.find("b")->encoding == "f8_e4m3");
  CHECK(read.find("b")->extents[0].offset + 1 == read.find("a")->extents[0].offset);
}

TEST_CASE("big-endian numbers are marked, and complex ones turned round on the way") {
  ZipSpec spec = torch_zip(dict({{text("a"), pair()}, {text("b"), tensor("BoolStorage", "1", 1, 0, {1}, {1})},
                                 {text("c"), tensor("ComplexFloatStorage", "2", 1, 0, {1}, {1})}}),
                           {{"0", floats({1, 2})}, {"1", Bytes(1)}, {"2", {1, 2, 3, 4, 5, 6, 7, 8}}});
  spec.members.push_back({"archive/byteorder", bytes_of("big")});
  const Read read = read_ok(build_zip(spec).bytes);
  CHECK(read.find("a")->big_endian);
  CHECK_FALSE(read.find("b")->big_endian);
  CHECK_FALSE(read.find("c")->big_endian);
  CHECK(read.find("c")->decoded);
  CHECK(read.bytes_of_tensor("c") == Bytes{4, 3, 2, 1, 8, 7, 6, 5});
}

TEST_CASE("a deflated storage is inflated") {
  ZipSpec spec = torch_zip(tensor("FloatStorage", "0", 1000, 10, {900}, {1}), {{"0", floats(std::vector<float>(1000, 3))}});
  spec.members[1].is_deflated = true;
  const Read read = read_ok(build_zip(spec).bytes);
  CHECK(read.checkpoint().tensors[0].decoded);
  CHECK(read.bytes_of_tensor("tensor") == floats(std::vector<float>(900, 3)));
}

TEST_CASE("tensors that cannot be given are left out with the reason") {
  const Opcodes conjugated = reduce(global("torch._utils", "_rebuild_tensor_v2"),
                                    {storage("ComplexFloatStorage", "0", 1), integer(0), sizes({1}), sizes({1}), boolean(false),
                                     none(), dict({{text("conj"), boolean(true)}})});
  const std::pair<Opcodes, const char*> cases[] = {
      {reduce(global("torch._utils", "_rebuild_qtensor"), {pair()}), "it is a quantized tensor"},
      {reduce(global("torch._utils", "_rebuild_sparse_tensor"), {}), "it is a sparse tensor"},
      {reduce(global("torch._utils", "_rebuild_meta_tensor_no_storage"), {}), "it is a meta tensor"},
      {rebuild(storage("FloatStorage", "7", 2, "meta"), 0, {2}, {1}), "it is a meta tensor"},
      {tensor("QInt8Storage", "0", 2, 0, {2}, {1}), "it has the data type qint8, which no encoding holds"},
      {conjugated, "it is a view that PyTorch conjugates"},
      {reduce(global("numpy.core.multiarray", "_reconstruct"), {global("numpy", "ndarray"), sizes({0}), text("b")}) +
           tuple({integer(1), sizes({2}), none(), boolean(false), text("12345678")}) + "b",
       "it is a NumPy array inside the pickle"},
  };
  for (const auto& [root, reason] : cases) {
    const Read read = read_ok(build_zip_file(dict({{text("w"), root}, {text("v"), pair()}}), one_pair));
    CHECK(read.checkpoint().tensors.size() == 1);
    REQUIRE(read.checkpoint().left_out.size() == 1);
    CHECK(read.checkpoint().left_out[0].name == "w");
    CHECK_MESSAGE(read.checkpoint().left_out[0].reason.starts_with(reason), read.checkpoint().left_out[0].reason);
  }
}

TEST_CASE("an optimizer's state is left out unless it is asked for") {
  const Opcodes optimizer = dict({{text("state"), dict({{integer(0), dict({{text("exp_avg"), pair()}, {text("step"), integer(5)}})}})},
                                  {text("param_groups"), list({dict({{text("lr"), real(0.5)}})})}});
  const Bytes file = build_zip_file(dict({{text("model"), dict({{text("w"), pair()}})}, {text("opt"), optimizer},
                                          {text("optimizer"), dict({{text("m"), pair()}})}}),
                                    one_pair);
  const Read read = read_ok(file);
  REQUIRE(read.checkpoint().tensors.size() == 1);
  CHECK(read.checkpoint().tensors[0].name == "model.w");
  REQUIRE(read.checkpoint().left_out.size() == 2);
  CHECK(read.checkpoint().left_out[0] ==
        LeftOut{"opt.state.0.exp_avg", "f32", {2}, "it is state of an optimizer; the option optimizer_state=true reads it"});
  CHECK(read.checkpoint().left_out[1].name == "optimizer.m");
  CHECK(read.checkpoint().attrs.empty());
  CHECK(read.checkpoint().warnings == std::vector<std::string>{"2 plain values of an optimizer's state are left out"});

  const Read all = read_ok(file, with(Attr::scalar("optimizer_state", true)));
  CHECK(all.checkpoint().tensors.size() == 3);
  CHECK(all.checkpoint().left_out.empty());
  REQUIRE(find_attr(all.checkpoint().attrs, "opt.param_groups.0.lr") != nullptr);
  CHECK(find_attr(all.checkpoint().attrs, "opt.param_groups.0.lr")->get<double>() == 0.5);
}

TEST_CASE("plain values become attributes, and what none can hold is told") {
  const Opcodes namespace_ = object("argparse", "Namespace", dict({{text("dim"), integer(64)}}));
  const Read read = read_ok(build_zip_file(
      dict({{text("w"), pair()}, {text("epoch"), integer(7)}, {text("lr"), real(0.25)}, {text("name"), text("x")},
            {text("flag"), boolean(true)}, {text("shape"), reduce(global("torch", "Size"), {sizes({2, 3})})},
            {text("mixed"), list({real(1.5), integer(2)})}, {text("words"), list({text("a"), text("b")})},
            {text("args"), namespace_}, {text("path"), reduce(global("pathlib", "PosixPath"), {text("/"), text("a"), text("b")})},
            {text("dtype"), global("torch", "float32")}, {text("nothing"), none()}, {text("empty"), list({})}}),
      one_pair));
  const auto& attrs = read.checkpoint().attrs;
  CHECK(find_attr(attrs, "epoch")->get_integer() == 7);
  CHECK(find_attr(attrs, "lr")->get<double>() == 0.25);
  CHECK(find_attr(attrs, "name")->get_text() == "x");
  CHECK(find_attr(attrs, "flag")->get<bool>() == true);
  CHECK(*find_attr(attrs, "shape") == Attr::array("shape", std::vector<std::int64_t>{2, 3}));
  CHECK(*find_attr(attrs, "mixed") == Attr::array("mixed", std::vector<double>{1.5, 2}));
  CHECK(*find_attr(attrs, "words") == Attr::texts("words", {"a", "b"}));
  CHECK(find_attr(attrs, "args.dim")->get_integer() == 64);
  CHECK(find_attr(attrs, "path")->get_text() == "/a/b");
  CHECK(find_attr(attrs, "dtype")->get_text() == "torch.float32");
  CHECK(read.checkpoint().warnings == std::vector<std::string>{"2 values that metadata cannot hold are left out: \"nothing\" "
                                                               "(none), \"empty\" (an empty list)"});
}

TEST_CASE("a foreign global is a finding, and the tensors are read all the same") {
  const BuiltZip zip = build_zip(torch_zip(
      dict({{text("w"), pair()}, {text("x"), reduce(global("posix", "system"), {text("id")})}}), one_pair));
  const Read read = read_ok(zip.bytes);
  CHECK(read.checkpoint().tensors.size() == 1);
  REQUIRE(read.checkpoint().findings.size() == 1);
  const Finding& finding = read.checkpoint().findings[0];
  CHECK(finding.kind == "foreign_global");
  CHECK(finding.what == "posix.system");
  CHECK(finding.file == "a.pt");
  const std::string there(zip.bytes.begin() + static_cast<std::ptrdiff_t>(finding.position),
                          zip.bytes.begin() + static_cast<std::ptrdiff_t>(finding.position) + 13);
  CHECK(there == "cposix\nsystem");
}

TEST_CASE("a pickle that torch.save did not write is opened to tell its foreign globals, and refused when it has none") {
  const Read read = read_ok(bytes_of("cposix\nsystem\n(Vid\ntR."));
  CHECK(read.checkpoint().tensors.empty());
  CHECK(read.checkpoint().findings.size() == 1);
  const Read plain = read_file(bytes_of(pickle(dict({{text("a"), integer(1)}}))));
  REQUIRE_FALSE(plain.opened.has_value());
  CHECK(plain.opened.error().code == Code::unsupported);
}

TEST_CASE("a module saved whole gives the names that its state_dict would") {
  const Opcodes inner = object("torch.nn.modules.linear", "Linear",
                               dict({{text("training"), boolean(false)}, {text("_parameters"), dict({{text("weight"), pair()}})},
                                     {text("_buffers"), dict({})}, {text("_modules"), dict({})}}));
  const Read read = read_ok(build_zip_file(
      object("my", "Net", dict({{text("_parameters"), dict({})}, {text("_buffers"), dict({{text("b"), pair()}})},
                                {text("_backward_hooks"), dict({})}, {text("_modules"), dict({{text("fc"), inner}})}})),
      one_pair));
  REQUIRE(read.checkpoint().tensors.size() == 2);
  CHECK(read.checkpoint().tensors[0].name == "b");
  CHECK(read.checkpoint().tensors[1].name == "fc.weight");
  CHECK(read.checkpoint().findings.size() == 2);
}

TEST_CASE("TorchScript gives parameters by their attributes, and constants from their own storages") {
  const Opcodes stride = reduce(global("torch.jit._pickle", "build_intlist"), {list({integer(1), integer(2)})});
  ZipSpec spec = torch_zip(object("__torch__.net", "Net", dict({{text("fc"), object("__torch__.fc", "Fc",
                                                                              dict({{text("w"), pair()},
                                                                                    {text("stride"), stride}}))}})),
                           one_pair);
  spec.members.push_back({"archive/constants.pkl", bytes_of(pickle(tuple({pair()})))});
  spec.members.push_back({"archive/constants/0", floats({3, 4})});
  spec.members.push_back({"archive/code/__torch__.py", bytes_of("pass")});
  const Read read = read_ok(build_zip(spec).bytes);
  CHECK(read.bytes_of_tensor("fc.w") == floats({1, 2}));
  CHECK(read.bytes_of_tensor("constants.0") == floats({3, 4}));
  REQUIRE(read.checkpoint().attrs.size() == 1);
  CHECK(read.checkpoint().attrs[0] == Attr::array("fc.stride", std::vector<std::int64_t>{1, 2}));
  CHECK(read.checkpoint().findings.empty());
  CHECK(read.checkpoint().warnings.size() == 1);
}

TEST_CASE("strip_prefix cuts a literal off the names that begin with it") {
  const Bytes file = build_zip_file(dict({{text("a"), dict({{text("w"), pair()}})}, {text("b"), dict({{text("v"), pair()}})}}), one_pair);
  const Read read = read_ok(file, with(Attr::text("strip_prefix", "a.")));
  CHECK(read.find("w") != nullptr);
  CHECK(read.find("b.v") != nullptr);
  const Read none = read_file(file, with(Attr::text("strip_prefix", "model.")));
  REQUIRE_FALSE(none.opened.has_value());
  CHECK(none.opened.error().message == "no tensor's name begins with \"model.\"; the first is \"a.w\"");
}

TEST_CASE("strip_prefix auto cuts off the wrappers that all tensors are in, and nothing of a module's own name") {
  const auto names = [](const Opcodes& root) {
    const Read read = read_ok(build_zip_file(root, one_pair), with(Attr::text("strip_prefix", "auto")));
    std::vector<std::string> all;
    for (const Tensor& one : read.checkpoint().tensors)
      all.push_back(one.name);
    return all;
  };
  CHECK(names(dict({{text("state_dict"), dict({{text("module.a"), pair()}, {text("module.b"), pair()}})}})) ==
        std::vector<std::string>{"a", "b"});
  CHECK(names(dict({{text("model.layers.0"), pair()}, {text("model.norm"), pair()}})) ==
        std::vector<std::string>{"model.layers.0", "model.norm"});
  CHECK(names(dict({{text("model"), dict({{text("w"), pair()}})}, {text("ema"), dict({{text("w"), pair()}})}})) ==
        std::vector<std::string>{"model.w", "ema.w"});
}

TEST_CASE("unknown options, and values of the wrong type, are refused") {
  const Bytes file = build_zip_file(pair(), one_pair);
  CHECK(read_file(file, with(Attr::text("colour", "red"))).opened.error().code == Code::misuse);
  CHECK(read_file(file, with(Attr::text("optimizer_state", "yes"))).opened.error().code == Code::misuse);
}

TEST_CASE("a legacy file is read, with storages one behind the other and views of storages") {
  const Opcodes view = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("k"), text("cuda:0"), integer(4),
                                         tuple({text("v"), integer(1), integer(3)})}));
  const Opcodes whole = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("k"), text("cpu"), integer(4),
                                          none()}));
  const Read read = read_ok(build_legacy(dict({{text("a"), rebuild(whole, 0, {4}, {1})}, {text("b"), rebuild(view, 1, {2}, {1})}}),
                                         {{"k", 4, floats({1, 2, 3, 4})}}));
  CHECK(read.bytes_of_tensor("a") == floats({1, 2, 3, 4}));
  CHECK(read.bytes_of_tensor("b") == floats({3, 4}));
  CHECK(read.checkpoint().version == "legacy");
}

TEST_CASE("a tar file is read") {
  const Read read = read_ok(build_tar(tar_members()));
  REQUIRE(read.checkpoint().tensors.size() == 1);
  CHECK(read.checkpoint().tensors[0].name == "w");
  CHECK(read.checkpoint().tensors[0].encoding == "f64");
  CHECK(read.checkpoint().tensors[0].shape == std::vector<std::uint64_t>{3, 2});
  CHECK(read.checkpoint().tensors[0].decoded);
  CHECK(read.bytes_of_tensor("w").size() == 48);
}
