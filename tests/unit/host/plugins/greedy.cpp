// A plugin that claims what is not its own: format 0 every file that begins with "TOY", the others any file, unsure.
// Opening succeeds with an empty checkpoint.
#include "heirloom/plugin.hpp"

#include HEIRLOOM_TEST_MANIFEST

namespace {

class Greedy : public heirloom::Reader {
 public:
  heirloom::Result<std::uint32_t> probe(std::uint32_t format, const heirloom::Files& files) const override {
    if (files.primary().empty())
      return HEIRLOOM_PROBE_NO;
    if (format != 0)
      return HEIRLOOM_PROBE_MAYBE;
    HEIRLOOM_TRY(const auto content, files.read_all(std::string(files.primary()), 1u << 20));
    const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
    return text.starts_with("TOY") ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  }
  heirloom::Result<heirloom::Checkpoint> read(std::uint32_t format, const heirloom::Files&,
                                              const heirloom::Options&) const override {
    static constexpr const char* ids[] = {"greedy", "perhaps", "maybe"};
    return heirloom::Checkpoint{ids[format]};
  }
};

const Greedy greedy;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &greedy, nullptr);
