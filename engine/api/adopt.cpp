#include "engine/api/verify.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/file_set.hpp"
#include "engine/base/output.hpp"
#include "engine/provenance/names.hpp"
#include "engine/provenance/receipts.hpp"
#include "engine/record/chain.hpp"
#include "engine/record/found.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;
using provenance::Part;

std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// The record that the log is of.
struct Given {
  provenance::Log log;
  std::string receipts;
  std::optional<provenance::Ledger> ledger;
  std::string ledger_text;
};

// The checkpoint that a log of this name lies beside: "" for a directory; nothing when the name says neither.
std::optional<std::string> base_of(const std::string& log_name) {
  if (log_name == provenance::file_name(Part::log, ""))
    return "";
  const std::string suffix = provenance::file_name(Part::log, "x").substr(1);
  if (log_name.size() > suffix.size() && log_name.ends_with(suffix))
    return log_name.substr(0, log_name.size() - suffix.size());
  return std::nullopt;
}

// A part beside the log, if the log names this very file; "" otherwise.
Result<std::string> read_beside(const base::FileSet& files, const record::Links& links, Part part, const std::string& base, std::uint64_t limit) {
  const std::string name = provenance::file_name(part, base);
  if (!std::binary_search(files.names().begin(), files.names().end(), name))
    return std::string();
  HEIRLOOM_TRY(const auto bytes, files.read_all(name, limit));
  const std::string digest = base::to_hex(base::sha256(bytes));
  const bool is_named = std::any_of(links.all.begin(), links.all.end(), [&](const record::Link& link) {
    return link.byproduct(provenance::file_name(part, "")) == digest;
  });
  return is_named ? text_of(bytes) : std::string();
}

Result<Given> read_given(const fs::path& path) {
  Given given;
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  const std::string name = files->primary().empty() ? provenance::file_name(Part::log, "") : files->primary();
  HEIRLOOM_TRY(const auto bytes, files->read_all(name, provenance::max_log_bytes));
  auto log = provenance::parse_log(text_of(bytes));
  if (!log)
    return fail(std::move(log).error().in_file(files->display(name)));
  given.log = std::move(*log);
  const record::Links links = record::read_links(given.log);
  if (links.all.empty())
    return fail(Error{Code::malformed, "holds no event", no_position, files->display(name)});
  const auto base = base_of(name);
  if (!base)
    return given;
  HEIRLOOM_TRY(given.receipts, read_beside(*files, links, Part::receipts, *base, provenance::max_receipts_bytes));
  HEIRLOOM_TRY(given.ledger_text, read_beside(*files, links, Part::ledger, *base, provenance::max_ledger_bytes));
  if (!given.ledger_text.empty())
    if (auto ledger = provenance::parse_ledger(given.ledger_text))
      given.ledger = std::move(*ledger);
  return given;
}

struct NewFile {
  std::string name;
  const std::string* text;
};

// All of them, or none.
Result<std::vector<std::string>> write_all(const fs::path& directory, const std::vector<NewFile>& files, bool force) {
  HEIRLOOM_TRY(const auto output, base::Output::create(directory / files.front().name, base::Output::Kind::file, force));
  std::vector<std::string> names;
  for (const NewFile& file : files) {
    HEIRLOOM_TRY(const base::OutputFile* added, output->add(file.name, file.text->size()));
    HEIRLOOM_CHECK(added->write(0, base::bytes_of(*file.text)));
    names.push_back(file.name);
  }
  HEIRLOOM_CHECK(output->commit());
  return names;
}

}  // namespace

Result<std::optional<report::Adopted>> adopt(const Session& session, const AdoptOptions& options, const base::Log& log) {
  HEIRLOOM_TRY(const auto source, session.open(options.path, {"", {}, {}, true}));
  HEIRLOOM_TRY(const Given given, read_given(options.log));
  HEIRLOOM_TRY(const record::Identity identity, record::identify(*source, session.maps(), {options.threads, options.memory_bytes, true}, log));
  HEIRLOOM_TRY(auto adoption, record::adopt(*source, identity, given.log, given.ledger));
  if (!adoption)
    return std::nullopt;
  report::Adopted adopted{std::move(*adoption), options.path.string(), {}};
  const std::string base = record::record_base(*source);
  std::vector<NewFile> files{{provenance::file_name(Part::log, base), &adopted.adoption.log}};
  if (adopted.adoption.has_same_tensors && !given.receipts.empty())
    files.push_back({provenance::file_name(Part::receipts, base), &given.receipts});
  const std::string* ledger = adopted.adoption.ledger ? &*adopted.adoption.ledger : &given.ledger_text;
  if (!ledger->empty())
    files.push_back({provenance::file_name(Part::ledger, base), ledger});
  HEIRLOOM_TRY(adopted.written, write_all(source->files->root(), files, options.force));
  return adopted;
}

}  // namespace heirloom
