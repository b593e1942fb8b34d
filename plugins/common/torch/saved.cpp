#include "plugins/common/torch/saved.hpp"
