// Libraries that the host refuses, one reason each.
#include "heirloom/abi.h"

#include HEIRLOOM_TEST_MANIFEST

#include <stdexcept>

namespace {

[[maybe_unused]] const void* no_interface(const char*) { return nullptr; }
[[maybe_unused]] const void* throw_up(const char*) { throw std::runtime_error("not today"); }
[[maybe_unused]] constexpr unsigned char garbage[] = "this is no manifest at all";

}  // namespace

#if defined(CASE_ABI)
const heirloom_plugin heirloom_plugin_v1 = {99, 0, {heirloom_manifest, sizeof heirloom_manifest}, no_interface};
#elif defined(CASE_MANIFEST)
const heirloom_plugin heirloom_plugin_v1 = {HEIRLOOM_ABI_MAJOR, 0, {garbage, sizeof garbage}, no_interface};
#elif defined(CASE_INTERFACES)
const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_ABI_MAJOR, 0, {heirloom_manifest, sizeof heirloom_manifest}, no_interface};
#elif defined(CASE_THROW)
const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_ABI_MAJOR, 0, {heirloom_manifest, sizeof heirloom_manifest}, throw_up};
#else
extern "C" HEIRLOOM_EXPORT const unsigned char* some_other_symbol();
const unsigned char* some_other_symbol() { return heirloom_manifest; }
#endif
