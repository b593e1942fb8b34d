#include "plugins/common/torch/strided.hpp"
