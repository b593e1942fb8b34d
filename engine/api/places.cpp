#include "engine/api/places.hpp"

#include "engine/base/text.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace heirloom {
namespace {

namespace fs = std::filesystem;

using Identity = std::pair<::dev_t, ::ino_t>;
using Identities = std::set<Identity>;

// Links are followed; nothing for what is not there.
std::optional<Identity> identity_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    return std::nullopt;
  return Identity{status.st_dev, status.st_ino};
}

void add(Identities& set, const fs::path& path) {
  if (const auto identity = identity_of(path))
    set.insert(*identity);
}

Result<void> check_file(const Identities& taken, const fs::path& path) {
  if (const auto identity = identity_of(path); identity && taken.contains(*identity))
    return fail(Error{Code::misuse, "the target is the source", no_position, path.string()});
  return {};
}

// Every entry of a directory that is replaced is deleted.
Result<void> check_entries(const Identities& taken, const fs::path& directory) {
  std::error_code cause;
  for (fs::directory_iterator item(directory, cause), end; !cause && item != end; item.increment(cause))
    HEIRLOOM_CHECK(check_file(taken, item->path()));
  return {};
}

fs::path with_suffix(const fs::path& path, const char* suffix) { return fs::path(path) += suffix; }

std::vector<std::string> output_names(const plan::Plan& plan) {
  std::vector<std::string> names;
  for (const File& file : plan.layout.files)
    names.push_back(file.name);
  for (const plan::SideFile& file : plan.side_files)
    names.push_back(file.name);
  names.insert(names.end(), plan.record_files.begin(), plan.record_files.end());
  return names;
}

// The name that base::Output writes.
fs::path written_path(const fs::path& target) {
  const fs::path path = target.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

bool rename_aside(const fs::path& path) {
  return ::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, with_suffix(path, ".bad").c_str(), RENAME_NOREPLACE) == 0;
}

}  // namespace

Result<void> check_apart(const host::Host& host, const model::Source& source, const plan::Plan& plan, const fs::path& target,
                         bool is_directory) {
  const fs::path path = written_path(target);
  Identities read;  // what the checkpoint names
  Identities held;  // and what lies beside it
  for (const File& file : source.checkpoint.files)
    add(read, source.files->root() / file.name);
  held = read;
  const std::string beside = path.filename().string() + ".";  // begins the names of what lies beside an earlier output
  for (const std::string& name : source.files->names())
    if (is_directory || (host.format_of_suffix(name) == nullptr && !name.starts_with(beside)))
      add(held, source.files->root() / name);
  HEIRLOOM_CHECK(check_file(held, path));
  if (is_directory) {
    HEIRLOOM_CHECK(check_entries(held, path));
    HEIRLOOM_CHECK(check_entries(held, with_suffix(path, ".partial")));
    return check_entries(held, with_suffix(path, ".replaced.partial"));
  }
  for (const std::string& name : plan.displaced_files)
    HEIRLOOM_CHECK(check_file(held, path.parent_path() / name));
  for (const std::string& name : output_names(plan)) {
    const fs::path file = path.parent_path() / name;
    HEIRLOOM_CHECK(check_file(held, file));
    HEIRLOOM_CHECK(check_file(read, with_suffix(file, ".partial")));
  }
  return {};
}

bool is_inside_source(const model::Source& source, const fs::path& target, bool is_directory) {
  if (is_directory || !source.files->primary().empty())
    return false;
  const fs::path path = written_path(target);
  const auto parent = identity_of(path.has_parent_path() ? path.parent_path() : fs::path("."));
  return parent && parent == identity_of(source.files->root());
}

Error set_aside(Error cause, const plan::Plan& plan, const fs::path& target, bool is_directory) {
  const fs::path path = written_path(target);
  std::vector<fs::path> parts{path};
  if (!is_directory) {
    parts.clear();
    for (const std::string& name : output_names(plan))
      parts.push_back(path.parent_path() / name);
  }
  bool is_aside = true;
  for (const fs::path& part : parts)
    is_aside = rename_aside(part) && is_aside;
  const std::string first = parts.front().string();
  cause.message += "; the output failed its verification and must not be used";
  if (!is_aside)
    cause.message += ": it lies at " + base::quoted(first);
  else if (parts.size() == 1)
    cause.message += ": it is now " + base::quoted(first + ".bad");
  else
    cause.message += ": its files are now " + base::quoted(first + ".bad") + " and so on";
  return cause;
}

}  // namespace heirloom
