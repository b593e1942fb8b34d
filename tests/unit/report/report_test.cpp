#include "engine/report/report.hpp"

#include "engine/report/table.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <limits>

using namespace heirloom;
using heirloom::test::TempDirectory;

namespace {

model::Source hostile_source(const TempDirectory& directory) {
  test::write_file(directory / "x.raw", std::string(64, '\0'));
  model::Source source;
  source.files = base::FileSet::open(directory / "x.raw").value();
  source.plugin = "org.example";
  source.checkpoint = {"raw", "1"};
  source.checkpoint.files = {{"x.raw", 64}};
  source.checkpoint.encodings = {{"f32", 1, 4}};
  source.checkpoint.tensors = {{"<script>\x1b[31m\xff", "f32", {2, 2}, {{0, 0, 16}}}};
  source.checkpoint.attrs = {Attr::text("k\n", "\xff<b>"), Attr::scalar("nan", std::numeric_limits<float>::quiet_NaN()),
                             Attr::array<std::uint32_t>("many", std::vector<std::uint32_t>(1000, 7))};
  return source;
}

}  // namespace

TEST_CASE("columns are as wide as their widest cell and numbers stand to the right") {
  report::Table table({"name", ">n"});
  table.add({"a", "1"});
  table.add({"long", "1000"});
  CHECK(table.text() == "name     n\na        1\nlong  1000\n");
  CHECK(report::grouped(1707264) == "1 707 264");
  CHECK(report::grouped(12) == "12");
  CHECK(report::shape_text({}) == "[]");
}

TEST_CASE("no name of a file reaches the terminal raw, and JSON stays JSON") {
  TempDirectory directory;
  const auto source = hostile_source(directory);
  const std::string text = report::inspect_text(source, nullptr, {true, true});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\\x1b[31m\\xff") != std::string::npos);
  CHECK(text.find("(1000)") != std::string::npos);
  const auto json = nlohmann::json::parse(report::inspect_json(source, nullptr));
  CHECK(json["tensors"].size() == 1);
  CHECK(json["metadata"][1]["value"] == "nan");
  CHECK(json["metadata"][2]["value"].size() == 1000);
}

TEST_CASE("findings and tensors that were left out stand in every report") {
  TempDirectory directory;
  auto source = hostile_source(directory);
  source.checkpoint.findings = {{"foreign_global", "<i>posix.system", "x.raw", 12, "starts a program"}};
  source.checkpoint.left_out = {{"momentum<u>", "f32", {2, 3}, "state of the training"}};
  const std::string text = report::inspect_text(source, nullptr, {true, false});
  for (const char* part : {"posix.system", "starts a program", "12", "momentum", "[2, 3]", "state of the training"})
    CHECK_MESSAGE(text.find(part) != text.npos, part);
  const auto json = nlohmann::json::parse(report::inspect_json(source, nullptr));
  CHECK(json["findings"][0]["position"] == 12);
  CHECK(json["left_out"][0]["reason"] == "state of the training");
  const std::string page = report::inspect_html(source, nullptr);
  CHECK(page.find("&lt;i&gt;posix.system") != std::string::npos);
  CHECK(page.find("momentum&lt;u&gt;") != std::string::npos);
}

TEST_CASE("the page holds no markup from the file") {
  TempDirectory directory;
  const std::string page = report::inspect_html(hostile_source(directory), nullptr);
  CHECK(page.find("<script>") == std::string::npos);
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(page.find("&lt;script&gt;") != std::string::npos);
}

TEST_CASE("a difference says how large it is, and the summary counts verdicts") {
  run::TensorComparison same{"a", run::Verdict::identical, "f32", "f32", {}, {}};
  run::TensorComparison other{"b", run::Verdict::different, "f32", "q8_0", {}, {}};
  other.differing = 1234;
  other.max_error = 0.5;
  other.is_reencoding = true;
  const std::string text = report::diff_text({same, other}, false);
  CHECK(text.find("\"a\"") == std::string::npos);
  CHECK(text.find("1 234 values differ, largest error 0.5") != std::string::npos);
  CHECK(text.find("exactly the first, encoded as q8_0") != std::string::npos);
  CHECK(text.find("2 tensors: 1 identical, 1 different") != std::string::npos);
  CHECK(report::diff_text({same, other}, true).find("\"a\"") != std::string::npos);
  const auto json = nlohmann::json::parse(report::diff_json({same, other}, false));
  CHECK(json["is_same"] == false);
  CHECK(json["tensors"][1]["is_reencoding"] == true);
}

TEST_CASE("an infinite error is told from one that is not a number") {
  run::TensorComparison tensor{"a", run::Verdict::different, "f32", "f32", {}, {}};
  tensor.max_error = std::numeric_limits<double>::infinity();
  tensor.rms_error = std::numeric_limits<double>::quiet_NaN();
  tensor.rms_first = -std::numeric_limits<double>::infinity();
  const auto json = nlohmann::json::parse(report::diff_json({tensor}, false))["tensors"][0];
  CHECK(json["max_error"] == "inf");
  CHECK(json["rms_error"] == "nan");
  CHECK(json["rms_first"] == "-inf");
}

TEST_CASE("names of files are printable in every text") {
  TempDirectory directory;
  const std::string name = "\x1b[31mx\n.raw";
  test::write_file(directory / name, std::string(16, '\0'));
  model::Source source;
  source.files = base::FileSet::open(directory / name).value();
  source.checkpoint = {"raw", "\x1b[2J"};
  source.checkpoint.files = {{name, 16}};
  source.checkpoint.encodings = {{"f32", 1, 4}};
  source.checkpoint.tensors = {{"x", "f32", {2, 2}, {{0, 0, 16}}}};
  source.checkpoint.warnings = {"\x1b]0;title"};
  plan::Plan plan;
  plan.layout.files = {{name, 1}, {name, 2}};
  plan.side_files = {{name}};
  plan.dispositions = {{"item", plan::Fate::dropped, "", "\x1b[1m"}};
  for (const std::string& text :
       {report::inspect_text(source, nullptr, {true, true}), report::convert_text(plan, name, nullptr)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("\\x1b[31mx\\x0a.raw") != std::string::npos);
  }
}
