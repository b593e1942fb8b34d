#include "engine/host/loader.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>

#include <dlfcn.h>

#include <exception>

namespace heirloom::host {

namespace dll = boost::dll;
namespace fs = std::filesystem;

Result<const heirloom_plugin*> load_plugin(const fs::path& path) {
  // dlopen() on a FIFO waits for ever.
  std::error_code cause;
  if (!fs::is_regular_file(path, cause))
    return fail(Code::io, "not a regular file");
  try {
    // RTLD_NODELETE: open checkpoints call into the library, and may live longer than the host that loaded it.
    constexpr auto mode = static_cast<dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const dll::shared_library library(fs::absolute(path), mode);
    if (!library.has("heirloom_plugin_v1"))
      return fail(Code::unsupported, "not a Heirloom plugin: it does not export heirloom_plugin_v1");
    return &library.get<const heirloom_plugin>("heirloom_plugin_v1");
  } catch (const std::exception& exception) {
    return fail(Code::io, std::string("not a loadable library: ") + exception.what());
  } catch (...) {
    return fail(Code::io, "not a loadable library");
  }
}

fs::path program_path() {
  try {
    return dll::program_location();
  } catch (...) {
    return {};
  }
}

}  // namespace heirloom::host
