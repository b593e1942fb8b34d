#include "plugins/common/torch/storage.hpp"
