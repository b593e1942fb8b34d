#include "plugins/common/torch/tensor.hpp"
