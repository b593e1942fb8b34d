// The session with the shipped plugins: where it refuses to write, and what becomes of an output that is wrong.
#include "engine/api.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using heirloom::test::TempDirectory;

namespace fs = std::filesystem;

namespace {

// A safetensors file of one f32 tensor of two elements.
std::string small_file() {
  std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  return bytes + header + "\x01\x02\x03\x04\x05\x06\x07\x08";
}

class Fixture {
 public:
  Fixture() : session_(make_session(warnings_)) {
    fs::create_directory(directory_ / "source");
    test::write_file(path("source/model.safetensors"), small_file());
    test::write_file(path("source/notes.txt"), "notes");
  }

  fs::path path(const char* name) const { return directory_ / name; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  Result<Planned> plan(const fs::path& source, const fs::path& target, const std::string& to = "") const {
    ConvertOptions options;
    options.source = source;
    options.target = target;
    options.to = to;
    options.is_as_is = true;
    return session_.plan_conversion(options);
  }
  Result<Planned> plan(const char* source, const char* target, const std::string& to = "") const {
    return plan(path(source), path(target), to);
  }

  // The code of the error and its message, or "" when there is none.
  std::string refusal(const char* source, const char* target, const std::string& to = "") const {
    const auto planned = plan(source, target, to);
    return planned ? "" : base::describe(planned.error());
  }

  const Session& session() const { return session_; }

 private:
  static Session make_session(std::vector<std::string>& warnings) {
    SessionOptions options;
    options.plugins.plugin_dirs = {HEIRLOOM_PLUGIN_DIR};
    base::Log log;
    log.line = [&warnings](base::Level level, std::string_view text) {
      if (level == base::Level::warning)
        warnings.emplace_back(text);
    };
    return Session::create(options, log).value();
  }

  TempDirectory directory_;
  std::vector<std::string> warnings_;
  Session session_;
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a target that is a file of the source is refused and named") {
  const Fixture fixture;
  CHECK(says(fixture.refusal("source", "source/model.safetensors"), "source/model.safetensors: the target is the source"));
  CHECK(says(fixture.refusal("source/model.safetensors", "source/./model.safetensors"), "the target is the source"));
  CHECK(says(fixture.refusal("source", "source/notes.txt", "gguf"), "source/notes.txt: the target is the source"));
  CHECK(says(fixture.refusal("source", "source/"), "the target is the source"));
  CHECK(says(fixture.refusal("source", "other/../source/", "safetensors"), "the target is the source"));
  fs::create_hard_link(fixture.path("source/model.safetensors"), fixture.path("twin.safetensors"));
  CHECK(says(fixture.refusal("source", "twin.safetensors"), "twin.safetensors: the target is the source"));
  CHECK(fixture.refusal("source", "new.safetensors") == "");
  CHECK(fixture.refusal("source", "new/") == "");
}

TEST_CASE("the real names of the output are held against the source, shards and partial files too") {
  const Fixture fixture;
  fs::create_directory(fixture.path("set"));
  const fs::path shard = fixture.path("set/m-00001-of-00001.safetensors");
  test::write_file(shard, small_file());
  fs::create_directory(fixture.path("left.partial"));
  test::write_file(fixture.path("left.partial/model.safetensors"), small_file());
  CHECK(says(fixture.refusal("left.partial", "left/"), "left.partial/model.safetensors: the target is the source"));
  fs::copy_file(shard, fixture.path("set/n.safetensors.partial"));
  const auto partial = fixture.plan(fixture.path("set/n.safetensors.partial"), fixture.path("set/n.safetensors"));
  if (partial)
    FAIL("a source that the output's partial file replaces is accepted");
  CHECK(fs::exists(fixture.path("set/n.safetensors.partial")));
}

TEST_CASE("a directory that a source's links point into is not replaced") {
  const Fixture fixture;
  fs::create_directories(fixture.path("hub/blobs"));
  fs::create_directories(fixture.path("hub/snapshot"));
  test::write_file(fixture.path("hub/blobs/abc"), small_file());
  fs::create_symlink("../blobs/abc", fixture.path("hub/snapshot/model.safetensors"));
  CHECK(says(fixture.refusal("hub/snapshot", "hub/blobs"), "hub/blobs/abc: the target is the source"));
  CHECK(fixture.refusal("hub/snapshot", "hub/new/") == "");
}

TEST_CASE("a file of another checkpoint beside the source may be replaced") {
  const Fixture fixture;
  test::write_file(fixture.path("source/old.gguf"), "GGUF");
  CHECK(fixture.refusal("source/model.safetensors", "source/old.gguf") == "");
  CHECK(fixture.warnings().empty());
}

TEST_CASE("a file written into the source's directory brings a warning") {
  const Fixture fixture;
  CHECK(fixture.refusal("source", "source/m.gguf") == "");
  REQUIRE(fixture.warnings().size() == 1);
  CHECK(says(fixture.warnings()[0], "then holds two checkpoints"));
}

TEST_CASE("a target whose status cannot be read is an error that names it") {
  const Fixture fixture;
  fs::create_symlink("loop", fixture.path("loop"));
  CHECK(says(fixture.refusal("source", "loop"), "loop: cannot look at the target"));
  CHECK(says(fixture.refusal("source", "loop/x.gguf"), "loop/x.gguf: cannot look at the target"));
  const std::string longest(300, 'a');
  CHECK(says(fixture.refusal("source", (longest + ".gguf").c_str()), "aaa.gguf: cannot look at the target"));
}

TEST_CASE("an output that fails its verification is set aside, and the error says where") {
  const Fixture fixture;
  for (const char* name : {"out.safetensors", "out/"}) {
    CAPTURE(name);
    const auto planned = fixture.plan("source", name);
    REQUIRE(planned);
    auto outcome = fixture.session().execute(*planned, {});
    REQUIRE(outcome);
    REQUIRE(fixture.session().check_written(*planned, *outcome));
    outcome->digests[0] = {};
    const auto checked = fixture.session().check_written(*planned, *outcome);
    REQUIRE(!checked);
    CHECK(checked.error().code == Code::io);
    CHECK(says(checked.error().message, "must not be used: it"));  // or "its files", with its record
    CHECK(says(checked.error().message, planned->target.string() + ".bad"));
    CHECK(!fs::exists(planned->target));
    CHECK(fs::exists(planned->target.string() + ".bad"));
  }
}

TEST_CASE("setting an output aside replaces nothing") {
  const Fixture fixture;
  const auto planned = fixture.plan("source", "out.safetensors");
  REQUIRE(planned);
  auto outcome = fixture.session().execute(*planned, {});
  REQUIRE(outcome);
  test::write_file(fixture.path("out.safetensors.bad"), "mine");
  outcome->digests[0] = {};
  const auto checked = fixture.session().check_written(*planned, *outcome);
  REQUIRE(!checked);
  CHECK(says(checked.error().message, "must not be used: it lies at"));
  CHECK(test::read_file(fixture.path("out.safetensors.bad")) == "mine");
  CHECK(fs::exists(fixture.path("out.safetensors")));
}

TEST_CASE("a source that asks for code is refused until that is allowed, and then converted with a warning for each finding") {
  const TempDirectory directory;
  test::write_file(directory / "a.toy", "TOY1?");
  SessionOptions session_options;
  session_options.plugins.plugin_dirs = {HEIRLOOM_PLUGIN_DIR, HEIRLOOM_TEST_TOY};
  const Session session = Session::create(session_options, {}).value();
  ConvertOptions options;
  options.source = directory / "a.toy";
  options.target = directory / "a.safetensors";
  const auto refused = session.plan_conversion(options);
  REQUIRE_FALSE(refused);
  CHECK(says(base::describe(refused.error()), "asks for \"posix.system\" (foreign_global) at byte 4 of \"a.toy\": starts a "
                                              "program, and 1 more; nothing of it was run; --allow-findings"));
  options.allows_findings = true;
  const auto planned = session.plan_conversion(options);
  REQUIRE(planned);
  const auto& warnings = planned->plan.warnings;
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] == "tensor \"momentum\" is left out: state of the training");
  CHECK(says(warnings[2], "\"builtins.eval\""));
  CHECK(std::any_of(planned->plan.dispositions.begin(), planned->plan.dispositions.end(), [](const auto& disposition) {
    return disposition.item == "tensor:momentum" && disposition.fate == plan::Fate::dropped;
  }));
}

TEST_CASE("for a diff each side takes the options that it knows, and one that neither knows is a mistake") {
  const TempDirectory directory;
  test::write_file(directory / "a.toy", "TOY1abc");
  test::write_file(directory / "x.safetensors", small_file());
  SessionOptions session_options;
  session_options.plugins.plugin_dirs = {HEIRLOOM_PLUGIN_DIR, HEIRLOOM_TEST_TOY};
  const Session session = Session::create(session_options, {}).value();
  CHECK(session.diff(directory / "a.toy", directory / "x.safetensors", {"decoded=true"}, {}));
  const auto refused = session.diff(directory / "a.toy", directory / "x.safetensors", {"colour=red"}, {});
  REQUIRE_FALSE(refused);
  CHECK(says(refused.error().message, "neither \"toy\" nor \"safetensors\" has the option \"colour=red\""));
}

TEST_CASE("options of the writer are typed by its manifest, and the same thing is not said twice") {
  const Fixture fixture;
  ConvertOptions options;
  options.source = fixture.path("source");
  options.target = fixture.path("out/");
  options.target_options = {"max_shard_size=8"};
  CHECK(fixture.session().plan_conversion(options));
  options.target_options = {"max_shard_size=-8"};
  CHECK(says(fixture.session().plan_conversion(options).error().message, "wants a whole number, not negative"));
  options.target_options = {"colour=red"};
  CHECK(says(fixture.session().plan_conversion(options).error().message, "has no option \"colour\"; it has max_shard_size"));
  options.target_options = {"max_shard_size=8"};
  options.max_shard_size = 8;
  CHECK(says(fixture.session().plan_conversion(options).error().message, "give one"));
}

TEST_CASE("what a directory is called decides between formats that claim it") {
  const Fixture fixture;
  test::write_file(fixture.path("source/m.gguf"), std::string("GGUF\3\0\0\0", 8) + std::string(16, '\0'));
  const auto source = fixture.session().open(fixture.path("source"), {});
  REQUIRE(source);
  CHECK((*source)->checkpoint.format == "safetensors");
  REQUIRE((*source)->checkpoint.warnings.size() == 1);
  CHECK(says((*source)->checkpoint.warnings[0], "also holds weights as gguf (plugin org.heirloom.gguf)"));
  fs::rename(fixture.path("source/model.safetensors"), fixture.path("source/other.safetensors"));
  const auto unclear = fixture.session().open(fixture.path("source"), {});
  REQUIRE_FALSE(unclear);
  CHECK(says(unclear.error().message, "several formats claim it"));
}
