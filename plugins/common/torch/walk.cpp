#include "plugins/common/torch/walk.hpp"
