#include "engine/api/document.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/output.hpp"

namespace heirloom {

Result<void> write_document(const std::filesystem::path& path, std::string_view text, bool force) {
  HEIRLOOM_TRY(const auto output, base::Output::create(path, base::Output::Kind::file, force));
  HEIRLOOM_TRY(const base::OutputFile* file, output->add(path.filename().string(), text.size()));
  HEIRLOOM_CHECK(file->write(0, base::bytes_of(text)));
  return output->commit();
}

}  // namespace heirloom
