/* The small part of a bad plugin that differs from one to the next; bad_plugin.cpp is the rest. */
#include "heirloom/abi.h"

#include HEIRLOOM_MANIFEST_HEADER

extern const char *const heirloom_bad_behaviour;
const void *heirloom_bad_interface(const char *id);

const char *const heirloom_bad_behaviour = HEIRLOOM_BEHAVIOUR;

const heirloom_plugin heirloom_plugin_v1 = {
    HEIRLOOM_BAD_ABI, HEIRLOOM_ABI_MINOR, {heirloom_manifest, sizeof heirloom_manifest}, heirloom_bad_interface};

#if defined(HEIRLOOM_EXPORT_TWO)
extern HEIRLOOM_EXPORT int second_symbol;
int second_symbol = 1;
#endif
