#include "engine/plan/fates.hpp"
#include "engine/plan/inventory.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace heirloom;
using namespace heirloom::test;
using plan::Fate;

namespace {

// A directory with a configuration, a card, a licence, and metadata.
struct Model {
  TempDirectory root;
  model::Source source;
  plan::Plan plan;

  Model() {
    write_file(root / "config.json", R"({"a":{"b":1,"c":{}},"d":[1],"x.y":2})");
    write_file(root / "README.md", "---\nlicense: mit\nbody: x\n---\ntext");
    write_file(root / "LICENSE", "text");
    std::filesystem::create_directory(root / "sub");
    source.files = base::FileSet::open(root / "").value();
    source.checkpoint.format = "safetensors";
    source.checkpoint.attrs = {Attr::text("format", "pt")};
    source.checkpoint.tensors = {{"used", "f32", {1}}, {"unused", "f32", {1}}};
    source.checkpoint.left_out = {{"state"}};
    plan.tensors.push_back({"used", "f32", {1}, plan::Action::copy, arch::whole(0, {1})});
    for (const char* item : {"metadata:format", "file:config.json", "README.md:license", "README.md:\"body\"", "README.md:body", "file:LICENSE", "file:sub/",
                             "tensor:unused", "tensor:state"})
      plan.dispositions.push_back({item, Fate::carried, "somewhere"});
  }
  std::string problem() const {
    const auto taken = plan::take_inventory(source, plan, {});
    return taken ? "" : taken.error().message;
  }
  void remove(const std::string& item) {
    std::erase_if(plan.dispositions, [&](const plan::Disposition& disposition) { return disposition.item == item; });
  }
};

}  // namespace

TEST_CASE("a plan that accounts for every item of the source, once, is total") {
  CHECK(Model().problem() == "");
}

TEST_CASE("each item that a plan forgets is named") {
  const Model whole;
  for (const plan::Disposition& disposition : whole.plan.dispositions) {
    Model model;
    model.remove(disposition.item);
    INFO(disposition.item);
    CHECK(model.problem().find("does not say what becomes of") != std::string::npos);
  }
}

TEST_CASE("an item that is told twice, and one that the source does not have, are named") {
  Model twice;
  twice.plan.dispositions.push_back({"file:LICENSE", Fate::dropped, "", "why"});
  CHECK(twice.problem() == "the ledger says twice what becomes of \"file:LICENSE\"");
  for (const char* item : {"file:NOTICE", "README.md:licence", "metadata:pt", "tensor:used", "key:format", "config.json:nothing"}) {
    Model model;
    model.plan.dispositions.push_back({item, Fate::carried, "somewhere"});
    INFO(item);
    CHECK(model.problem() != "");
  }
}

TEST_CASE("a file is accounted for whole, by all of its members, or both ways") {
  Model model;
  const std::vector<std::string> members = {"config.json:a.b", "config.json:a.c", "config.json:d", "config.json:\"x.y\""};
  for (const std::string& item : members)
    model.plan.dispositions.push_back({item, Fate::mapped, "key"});
  CHECK(model.problem() == "");
  model.remove("file:config.json");
  CHECK(model.problem() == "");
  for (const std::string& item : members) {
    Model one;
    one.plan = model.plan;
    one.remove(item);
    CHECK(one.problem().find(item == "config.json:\"x.y\"" ? "x.y" : item) != std::string::npos);
  }
  model.remove("config.json:a.b");
  model.remove("config.json:a.c");
  model.plan.dispositions.push_back({"config.json:a", Fate::mapped, "key"});
  CHECK(model.problem() == "");
}

TEST_CASE("members have the nearest fate that is known, and what the file lacks is a loss of what holds it") {
  const model::Json json = model::parse_json(R"({"a":{"b":1,"c":{"d":2,"e":3}},"f":4,"g.h":5})").value();
  plan::Fates fates;
  fates.known = {{"a.c", {"", Fate::dropped, "", "why"}}, {"a.c.e", {"", Fate::mapped, "key"}}, {"f.gone", {"", Fate::dropped, "", "no key"}}};
  fates.rest = {"", Fate::carried, "record"};
  std::vector<plan::Disposition> told;
  CHECK(plan::note_members("x.json", json, fates, told));
  REQUIRE(told.size() == 5);
  CHECK((told[0].item == "x.json:a.b" && told[0].target == "record"));
  CHECK((told[1].item == "x.json:a.c.d" && told[1].reason == "why"));
  CHECK((told[2].item == "x.json:a.c.e" && told[2].target == "key"));
  CHECK((told[3].item == "x.json:f" && told[3].loss == "gone: no key"));
  CHECK(told[4].item == "x.json:\"g.h\"");
  CHECK_FALSE(plan::note_members("x.json", model::Json(model::Json::Object{}), {}, told));
}

TEST_CASE("the digests that a ledger takes are of the items, not of their names") {
  const Model model;
  std::vector<std::string> seen;
  CHECK(plan::take_inventory(model.source, model.plan, [&](const plan::Disposition& disposition, const plan::Item& item) -> Result<void> {
    if (item.text)
      seen.push_back(disposition.item + "=" + std::string(*item.text));
    if (item.attr != nullptr)
      seen.push_back(disposition.item + "=" + std::string(*item.attr->get_text()));
    if (!item.file.empty())
      seen.push_back(disposition.item + "@" + std::string(item.file));
    return {};
  }));
  for (const char* one : {"metadata:format=pt", "README.md:license=mit", "README.md:\"body\"=x", "README.md:body=text", "file:LICENSE@LICENSE"})
    CHECK_MESSAGE(std::find(seen.begin(), seen.end(), one) != seen.end(), one);
}
