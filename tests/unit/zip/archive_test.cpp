#include "plugins/common/zip/archive.hpp"

#include "build_zip.hpp"

#include <doctest/doctest.h>

using heirloom::Code;
using heirloom::test::build_zip;
using heirloom::test::BuiltZip;
using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::MemoryHost;
using heirloom::test::small_zip;
using heirloom::test::ZipSpec;
using heirloom::zip::Archive;

TEST_CASE("members are named, placed and sized in the order of the directory") {
  const BuiltZip built = build_zip(small_zip());
  const MemoryHost host({{"a.zip", built.bytes}});
  const auto archive = Archive::open(host.files(), "a.zip");
  REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
  REQUIRE(archive->members().size() == 3);
  const auto& first = archive->members()[0];
  CHECK(first.name == "first");
  CHECK(first.offset == built.at.at("payload:first"));
  CHECK(first.size == 41);
  CHECK(first.stored_size == 41);
  CHECK_FALSE(first.is_deflated);
  const auto* second = archive->find("folder/second");
  REQUIRE(second != nullptr);
  CHECK(second->is_deflated);
  CHECK(second->size == 5000);
  CHECK(second->stored_size < 100);
  CHECK(archive->find("second") == nullptr);
}

TEST_CASE("the content of stored, deflated and described members is read and its CRC verified") {
  const MemoryHost host({{"a.zip", build_zip(small_zip()).bytes}});
  const auto archive = Archive::open(host.files(), "a.zip").value();
  CHECK(archive.read("first", 100).value() == bytes_of("forty-two bytes of content, more or less."));
  CHECK(archive.read("folder/second", 5000).value() == Bytes(5000, 'x'));
  CHECK(archive.read("third", 100).value() == bytes_of("abc"));
}

TEST_CASE("content beyond the caller's limit is refused before anything is allocated") {
  const MemoryHost host({{"a.zip", build_zip(small_zip()).bytes}});
  const auto archive = Archive::open(host.files(), "a.zip").value();
  const auto read = archive.read("folder/second", 4999);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::limit);
  CHECK(read.error().message.find("5000 bytes, more than 4999") != std::string::npos);
}

TEST_CASE("a member that is not there is named") {
  const MemoryHost host({{"a.zip", build_zip(small_zip()).bytes}});
  const auto archive = Archive::open(host.files(), "a.zip").value();
  const auto read = archive.read("fourth", 10);
  REQUIRE_FALSE(read);
  CHECK(read.error().message.find("no \"fourth\"") != std::string::npos);
}

TEST_CASE("zip64 end records, zip64 sizes and comments are understood") {
  ZipSpec spec = small_zip();
  spec.has_zip64_end = true;
  for (auto& member : spec.members)
    member.is_zip64 = true;
  spec.comment = std::string(3000, 'c');
  const MemoryHost host({{"a.zip", build_zip(spec).bytes}});
  const auto archive = Archive::open(host.files(), "a.zip");
  REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
  for (const auto& member : spec.members)
    CHECK(archive->read(member.name, 10000).value() == member.content);
}

TEST_CASE("an archive may lie inside another file; places are those of the file") {
  const BuiltZip built = build_zip(small_zip());
  Bytes file(1000, 0xee);
  file.insert(file.end(), built.bytes.begin(), built.bytes.end());
  file.insert(file.end(), 500, 0xdd);
  const MemoryHost host({{"shard", file}});
  const auto archive = Archive::open(host.files(), "shard", {1000, built.bytes.size()});
  REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
  CHECK(archive->find("third")->offset == 1000 + built.at.at("payload:third"));
  CHECK(archive->read("folder/second", 5000).value() == Bytes(5000, 'x'));
  CHECK_FALSE(Archive::open(host.files(), "shard", {1000, built.bytes.size() + 1}));
  CHECK_FALSE(Archive::open(host.files(), "shard", {1000, file.size()}));
}

TEST_CASE("folders are left out and an archive without members is one") {
  ZipSpec spec;
  const MemoryHost empty({{"a.zip", build_zip(spec).bytes}});
  CHECK(Archive::open(empty.files(), "a.zip").value().members().empty());
  spec.members = {{"folder/"}, {"folder/one", bytes_of("1")}};
  const MemoryHost host({{"a.zip", build_zip(spec).bytes}});
  CHECK(Archive::open(host.files(), "a.zip").value().members().size() == 1);
}

TEST_CASE("long extra fields before the payload are skipped") {
  ZipSpec spec = small_zip();
  spec.members[0].extra = Bytes(4 + 60000, 'Z');
  spec.members[0].extra[0] = 'F', spec.members[0].extra[1] = 'B';
  spec.members[0].extra[2] = 60000 % 256, spec.members[0].extra[3] = 60000 / 256;
  const MemoryHost host({{"a.zip", build_zip(spec).bytes}});
  const auto archive = Archive::open(host.files(), "a.zip");
  REQUIRE_MESSAGE(archive.has_value(), archive.error().message);
  CHECK(archive->members()[0].offset == 30 + 5 + 60004);
}

TEST_CASE("the start of an archive is recognized") {
  const MemoryHost host({{"a.zip", build_zip(small_zip()).bytes}, {"b", bytes_of("PK")}, {"c", Bytes(100, 'c')}});
  CHECK(heirloom::zip::looks_like_zip(host.files(), "a.zip").value());
  CHECK_FALSE(heirloom::zip::looks_like_zip(host.files(), "b").value());
  CHECK_FALSE(heirloom::zip::looks_like_zip(host.files(), "c").value());
}
