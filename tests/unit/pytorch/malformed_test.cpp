// Files that break the rules, one row each: what is wrong, the file, whose fault, and what the message says.
#include "build_torch.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace heirloom;
using namespace heirloom::test;
using namespace heirloom::test::pk;

namespace {

struct Malformation {
  const char* name;
  Bytes file;
  Code code;
  const char* message;
};

const Stored one_pair = {{"0", floats({1, 2})}};

Bytes zip_of(const Opcodes& root) { return build_zip_file(dict({{text("w"), root}}), one_pair); }

Bytes zip_changed(const std::function<void(ZipSpec&)>& change) {
  ZipSpec spec = torch_zip(dict({{text("w"), pair()}}), one_pair);
  change(spec);
  return build_zip(spec).bytes;
}

Opcodes rebuilt(const std::vector<Opcodes>& arguments) { return reduce(global("torch._utils", "_rebuild_tensor_v2"), arguments); }

Opcodes stored_as(const Opcodes& id) { return rebuild(persistent(id), 0, {2}, {1}); }

Opcodes repeated_parameter(int count) {
  Opcodes inner = pair();
  for (int i = 0; i < count; ++i)
    inner = reduce(global("torch._utils", "_rebuild_parameter"), {inner, none(), none()});
  return inner;
}

Bytes tar_changed(const std::function<void(Members&)>& change) {
  Members members = tar_members();
  change(members);
  return build_tar(members);
}

const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
const Opcodes legacy_pair = persistent(tuple({text("storage"), global("torch", "FloatStorage"), text("k"), text("cpu"), integer(2),
                                              none()}));
const Opcodes legacy_root = rebuild(legacy_pair, 0, {2}, {1});
const std::int64_t huge = std::int64_t{1} << 62;

const Malformation malformations[] = {
    // The archive.
    {"no data.pkl", zip_changed([](ZipSpec& z) { z.members[0].name = "archive/other.pkl"; }), Code::malformed, "no file that PyTorch"},
    {"data.pkl behind a folder of another name", zip_changed([](ZipSpec& z) { z.members[0].name = "evil/data.pkl"; }),
     Code::malformed, "lies outside of the archive's folder \"evil\""},
    {"a second folder", zip_changed([](ZipSpec& z) { z.members.push_back({"other/data.pkl", bytes_of("N.")}); }), Code::malformed,
     "\"other/data.pkl\" lies outside"},
    {"a byte order that is none", zip_changed([](ZipSpec& z) { z.members.push_back({"archive/byteorder", bytes_of("middle")}); }),
     Code::malformed, "the byte order is \"middle\""},
    {"bytes after the pickle", zip_changed([](ZipSpec& z) { z.members[0].content.push_back('N'); }), Code::malformed,
     "1 bytes follow the pickle"},
    {"a pickle cut short", zip_changed([](ZipSpec& z) { z.members[0].content.pop_back(); }), Code::malformed, "needs 1 more bytes"},
    {"a deflated pickle that grows beyond reason",
     zip_changed([](ZipSpec& z) { z.members[0] = {"archive/data.pkl", Bytes(20u << 20, ']'), true}; }), Code::limit, "more than 16777216"},
    {"a wrong opcode in a deflated pickle", zip_changed([](ZipSpec& z) { z.members[0] = {"archive/data.pkl", bytes_of("z"), true}; }),
     Code::malformed, "the byte counts in the inflated \"archive/data.pkl\""},
    {"a storage that is not there", zip_changed([](ZipSpec& z) { z.members.erase(z.members.begin() + 1); }), Code::malformed,
     "the storage \"0\" is not in the file"},
    {"a storage cut short", zip_changed([](ZipSpec& z) { z.members[1].content.pop_back(); }), Code::malformed,
     "has 7 bytes instead of 8"},
    // Tensors.
    {"a view past the end of its storage", zip_of(tensor("FloatStorage", "0", 2, 1, {2}, {1})), Code::malformed,
     "reaches to byte 12 of its storage, which has 8"},
    {"a stride past the end", zip_of(tensor("FloatStorage", "0", 2, 0, {2}, {2})), Code::malformed, "reaches to byte 12"},
    {"a storage declared smaller than the view", zip_of(tensor("FloatStorage", "0", 1, 0, {2}, {1})), Code::malformed,
     "reaches to byte 8 of its storage, which has 4"},
    {"an offset near 2^63", zip_of(tensor("FloatStorage", "0", 2, INT64_MAX, {2}, {1})), Code::malformed, "does not fit 64 bits"},
    {"sizes whose product overflows", zip_of(tensor("FloatStorage", "0", 2, 0, {huge, huge}, {0, 0})), Code::malformed,
     "does not fit 64 bits"},
    {"sizes whose bytes overflow", zip_of(tensor("FloatStorage", "0", 2, 0, {huge}, {0})), Code::malformed, "does not fit 64 bits"},
    {"a stride whose reach overflows", zip_of(tensor("FloatStorage", "0", 2, 0, {8, 2}, {huge, 1})), Code::malformed,
     "does not fit 64 bits"},
    {"a storage whose bytes overflow", zip_of(tensor("DoubleStorage", "0", huge, 0, {1}, {1})), Code::malformed,
     "does not fit 64 bits"},
    {"one number repeated a billion times", zip_of(tensor("FloatStorage", "0", 2, 0, {1 << 30}, {0})), Code::limit,
     "repeats its storage to 1073741824 elements"},
    {"a negative size", zip_of(tensor("FloatStorage", "0", 2, 0, {-1}, {1})), Code::malformed, "a size or stride of a tensor is -1"},
    {"a negative stride", zip_of(tensor("FloatStorage", "0", 2, 1, {2}, {-1})), Code::malformed, "a size or stride of a tensor is -1"},
    {"a negative offset", zip_of(tensor("FloatStorage", "0", 2, -1, {1}, {1})), Code::malformed, "the offset of a tensor is -1"},
    {"fewer strides than sizes", zip_of(tensor("FloatStorage", "0", 2, 0, {1, 2}, {1})), Code::malformed, "2 sizes and 1 strides"},
    {"65 dimensions", zip_of(tensor("FloatStorage", "0", 2, 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1))),
     Code::limit, "65 dimensions"},
    {"sizes that are text", zip_of(rebuilt({storage("FloatStorage", "0", 2), integer(0), text("2"), sizes({1})})), Code::malformed,
     "the sizes of a tensor are text"},
    {"three arguments", zip_of(rebuilt({storage("FloatStorage", "0", 2), integer(0), sizes({2})})), Code::malformed,
     "made from 3 arguments instead of 4"},
    {"a storage that is a list", zip_of(rebuilt({list({}), integer(0), sizes({2}), sizes({1})})), Code::malformed,
     "the storage of a tensor is a list"},
    {"a storage that is no tuple", zip_of(stored_as(text("0"))), Code::malformed, "no storage of PyTorch"},
    {"a persistent object of another kind", zip_of(stored_as(tuple({text("thing"), none(), none(), none(), none()}))), Code::malformed,
     "no storage of PyTorch"},
    {"a storage of a foreign class",
     zip_of(stored_as(tuple({text("storage"), global("evil", "Thing"), text("0"), text("cpu"), integer(2)}))), Code::unsupported,
     "of the unknown class \"evil.Thing\""},
    {"a storage of minus one element",
     zip_of(stored_as(tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(-1)}))),
     Code::malformed, "the storage's size of a tensor is -1"},
    {"a parameter around nothing", zip_of(reduce(global("torch._utils", "_rebuild_parameter"), {})), Code::malformed,
     "made from 0 arguments"},
    {"a parameter around text", zip_of(reduce(global("torch._utils", "_rebuild_parameter"), {text("x")})), Code::malformed,
     "made by something that is no function"},
    {"a parameter around a foreign call",
     zip_of(reduce(global("torch._utils", "_rebuild_parameter"), {reduce(global("os", "system"), {text("id")})})), Code::malformed,
     "a tensor is made by \"os.system\""},
    {"a subclass made by a foreign function",
     zip_of(reduce(global("torch._tensor", "_rebuild_from_type_v2"), {global("os", "system"), none(), tuple({text("id")})})),
     Code::malformed, "a tensor is made by \"os.system\""},
    {"parameters in parameters without end", zip_of(repeated_parameter(20)), Code::limit, "inside more than 16 others"},
    // The saved object.
    {"a key that is set twice", build_zip_file(dict({{text("w"), pair()}, {text("w"), pair()}}), one_pair), Code::malformed,
     "sets the key \"w\" twice"},
    {"two ways to one name", build_zip_file(dict({{text("a.b"), pair()}, {text("a"), dict({{text("b"), pair()}})}}), one_pair),
     Code::malformed, "two tensors \"a.b\""},
    {"an object that holds itself", build_zip_file("}q\x01" + text("a") + "h\x01s", one_pair), Code::limit, "nested deeper than 512"},
    {"an OrderedDict of no pairs", build_zip_file(reduce(global("collections", "OrderedDict"), {list({list({text("w")})})}), one_pair),
     Code::malformed, "made from something else than pairs"},
    // Legacy files.
    {"legacy: another protocol", bytes_of(magic + pickle(integer(1002))), Code::unsupported, "protocol is not 1001"},
    {"legacy: a big-endian machine", bytes_of(magic + pickle(integer(1001)) + pickle(machine(false))), Code::unsupported,
     "little-endian machine"},
    {"legacy: nothing behind the machine", bytes_of(magic + pickle(integer(1001)) + pickle(machine())), Code::malformed,
     "needs 1 more bytes"},
    {"legacy: a key that nothing names", build_legacy(legacy_root, {{"z", 2, floats({1, 2})}}), Code::malformed,
     "nothing says of what type the storage \"z\" is"},
    {"legacy: a storage that does not come", build_legacy(legacy_root, {}), Code::malformed, "the storage \"k\" is not in the file"},
    {"legacy: a storage that comes twice", build_legacy(legacy_root, {{"k", 2, floats({1, 2})}, {"k", 2, floats({1, 2})}}),
     Code::malformed, "comes twice"},
    {"legacy: another number of elements", build_legacy(legacy_root, {{"k", 3, floats({1, 2, 3})}}), Code::malformed,
     "has 3 elements instead of 2"},
    {"legacy: a storage cut short", build_legacy(legacy_root, {{"k", 2, floats({1})}}), Code::malformed, "ends behind the file"},
    {"legacy: bytes after the last storage", build_legacy(legacy_root, {{"k", 2, floats({1, 2, 3})}}), Code::malformed,
     "4 bytes follow the last storage"},
    {"legacy: keys that are no list",
     bytes_of(magic + pickle(integer(1001)) + pickle(machine()) + pickle(legacy_root) + pickle(dict({}))), Code::malformed,
     "the list of storages is a dict"},
    // Tar files.
    {"tar: no tensors", tar_changed([](Members& m) { m.erase(m.begin() + 2); }), Code::malformed, "no member \"tensors\""},
    {"tar: a member twice", tar_changed([](Members& m) { m.push_back(m[0]); }), Code::malformed, "\"sys_info\" comes twice"},
    {"tar: a million storages", tar_changed([](Members& m) { m[1].second = pickle(integer(1 << 21)); }), Code::malformed,
     "the number of storages is no number up to 1048576"},
    {"tar: a storage longer than its member",
     tar_changed([](Members& m) {
       m[1].second = pickle(integer(1)) + pickle(tuple({integer(5), text("cpu"), global("torch", "DoubleStorage")})) +
                     little_endian(1000);
     }),
     Code::malformed, "ends behind the tar member"},
    {"tar: a storage of a foreign class",
     tar_changed([](Members& m) {
       m[1].second = pickle(integer(1)) + pickle(tuple({integer(5), text("cpu"), global("evil", "Thing")})) + little_endian(1);
     }),
     Code::malformed, "unknown class \"evil.Thing\""},
    {"tar: a tensor past its storage",
     tar_changed([](Members& m) { m[2].second.replace(m[2].second.size() - 8, 8, little_endian(1)); }), Code::malformed,
     "reaches to byte 56"},
    {"tar: a tensor of a billion dimensions",
     tar_changed([](Members& m) {
       m[2].second = pickle(integer(1)) + pickle(tuple({integer(7), integer(5), none()})) + little_endian(1u << 30);
     }),
     Code::malformed, "has 1073741824 dimensions"},
    {"tar: an object that refers to nothing", tar_changed([](Members& m) { m[3].second = pickle(persistent(integer(8))); }),
     Code::malformed, "refers to a tensor that the archive does not have"},
};

}  // namespace

TEST_CASE("each malformation is refused with whose fault it is and what it is") {
  for (const Malformation& row : malformations) {
    CAPTURE(std::string(row.name));
    const Read read = read_file(row.file);
    REQUIRE_FALSE(read.opened.has_value());
    const Error& error = read.opened.error();
    CHECK(error.code == row.code);
    CHECK_MESSAGE(error.message.find(row.message) != std::string::npos, error.message);
    CHECK(error.file == "a.pt");
  }
}

TEST_CASE("errors of tensors name the tensor and the byte of the file") {
  const Bytes file = zip_of(tensor("FloatStorage", "0", 2, 1, {2}, {1}));
  const Read read = read_file(file);
  REQUIRE_FALSE(read.opened.has_value());
  CHECK(read.opened.error().tensor == "w");
  REQUIRE(read.opened.error().position < file.size());
  CHECK(file[read.opened.error().position] == 't');  // the arguments, made by TUPLE
}

TEST_CASE("a storage with a wrong CRC-32 is refused when a view of it is decoded, deflated or not") {
  for (const bool is_deflated : {false, true}) {
    ZipSpec spec = torch_zip(tensor("FloatStorage", "0", 400, 0, {20, 20}, {1, 20}), {{"0", floats(std::vector<float>(400, 1))}});
    spec.members[1].is_deflated = is_deflated;
    BuiltZip zip = build_zip(spec);
    zip.put32(zip.at.at("local:archive/data/0") + 14, 0x12345678);
    zip.put32(zip.at.at("entry:archive/data/0") + 16, 0x12345678);
    const Read read = read_file(zip.bytes);
    REQUIRE(read.opened.has_value());
    Bytes out(1600);
    const auto done = (*read.opened)->decode(0, 0, out);
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().code == Code::malformed);
    CHECK_MESSAGE(done.error().message.find("CRC-32") != std::string::npos, done.error().message);
    if (!is_deflated)
      CHECK_FALSE((*read.opened)->decode(0, 0, out).has_value());
  }
}

TEST_CASE("objects that hold the same values again and again end in an error, not in memory") {
  // 60 lists, each of which holds the one below twice; and a thousand references to a list of a thousand.
  Opcodes tower = "](" + pair() + text("x") + "eq\x01";
  for (char level = 2; level < 60; ++level)
    tower += Opcodes("0](h") + static_cast<char>(level - 1) + "h" + static_cast<char>(level - 1) + "eq" + level;
  const Read deep = read_file(build_zip_file("(" + tower + "t" , one_pair));
  REQUIRE_FALSE(deep.opened.has_value());
  CHECK(deep.opened.error().code == Code::limit);

  Opcodes wide = "](](";
  for (int i = 0; i < 3000; ++i)
    wide += text("twenty bytes of text.");
  wide += "eq\x01";
  for (int i = 0; i < 3000; ++i)
    wide += "h\x01";
  const Read broad = read_file(build_zip_file(wide + "e", one_pair));
  REQUIRE_FALSE(broad.opened.has_value());
  CHECK(broad.opened.error().code == Code::limit);
}
