/* What describe_sample.c makes. The caller finishes and frees it. */
#ifndef HEIRLOOM_DESCRIBE_SAMPLE_H
#define HEIRLOOM_DESCRIBE_SAMPLE_H

#include "heirloom/describe.h"

#ifdef __cplusplus
extern "C" {
#endif
heirloom_describe sample_of_everything(void);
/* `count` tensors "0", "1", ... of one byte. */
heirloom_describe sample_of_many(uint32_t count);
#ifdef __cplusplus
}
#endif
#endif
