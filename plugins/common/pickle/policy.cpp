#include "plugins/common/pickle/policy.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace heirloom::pickle {
namespace {

// Names of one module, with a space between; a name may end in "*".
struct Row {
  std::string_view module;  // may end in "*"
  std::string_view names;
};

// Globals that plain checkpoints name: PyTorch's own weights_only list, and what frameworks put beside the weights.
// Why each is here: formats/facts/pickle.md#harmless-globals.
constexpr Row harmless[] = {
    {"builtins", "bool bytearray bytes complex dict float frozenset int list object set slice str tuple"},
    {"collections", "Counter OrderedDict defaultdict deque"},
    {"_codecs", "encode"},
    {"copyreg", "_reconstructor"},
    {"argparse", "Namespace"},
    {"types", "SimpleNamespace"},
    {"datetime", "date datetime time timedelta timezone"},
    {"pathlib", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"},
    {"pathlib._local", "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath"},
    {"numpy", "bool bool_ complex128 complex64 dtype float16 float32 float64 int16 int32 int64 int8 ndarray str_ uint16 "
              "uint32 uint64 uint8"},
    {"numpy.core.multiarray", "_reconstruct scalar"},
    {"numpy._core.multiarray", "_reconstruct scalar"},
    {"numpy.core.numeric", "_frombuffer"},
    {"numpy._core.numeric", "_frombuffer"},
    {"numpy.dtypes", "*DType"},
    {"torch", "BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage "
              "FloatStorage HalfStorage IntStorage LongStorage QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage "
              "QUInt8Storage ShortStorage Size Tensor device dtype"},
    {"torch", "bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 bool cdouble cfloat chalf complex128 complex32 complex64 "
              "double float float16 float32 float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
              "float8_e5m2fnuz float8_e8m0fnu half int int1 int16 int2 int3 int32 int4 int5 int6 int64 int7 int8 long "
              "qint32 qint8 quint2x4 quint4x2 quint8 short uint1 uint16 uint2 uint3 uint32 uint4 uint5 uint6 uint64 uint7 "
              "uint8"},
    {"torch", "per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine "
              "per_tensor_symmetric"},
    {"torch", "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
              "ShortTensor"},
    {"torch.cuda", "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
                   "ShortTensor"},
    {"torch.cuda", "BFloat16Storage BoolStorage ByteStorage CharStorage DoubleStorage FloatStorage HalfStorage IntStorage "
                   "LongStorage ShortStorage"},
    {"torch.storage", "TypedStorage UntypedStorage _TypedStorage _UntypedStorage"},
    {"torch.nn.parameter", "Buffer Parameter UninitializedBuffer UninitializedParameter"},
    {"torch.serialization", "_get_layout"},
    {"torch._tensor", "_rebuild_from_type_v2"},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage "
                     "_rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_csr_tensor "
                     "_rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 "
                     "_rebuild_wrapper_subclass"},
    {"torch.distributed.checkpoint.*", "_StorageInfo _StoragePrefix BytesStorageMetadata ChunkStorageMetadata Metadata "
                                       "MetadataIndex StorageMeta TensorProperties TensorStorageMetadata "
                                       "_MEM_FORMAT_ENCODING"},
    {"torch.distributed._shard.*", "_StorageInfo BytesStorageMetadata ChunkStorageMetadata MEM_FORMAT_ENCODING Metadata "
                                   "MetadataIndex StorageMeta TensorProperties TensorStorageMetadata ShardMetadata "
                                   "ShardedTensor ShardedTensorMetadata"},
    {"torch.distributed.remote_device", "_remote_device"},
    {"torch.distributed.device_mesh", "DeviceMesh"},
    {"torch.distributed.tensor*", "DTensor DTensorSpec Partial Replicate Shard TensorMeta"},
    {"torch.distributed._tensor*", "DTensor DTensorSpec Partial Replicate Shard TensorMeta _Partial"},
    {"olmo_core.distributed.checkpoint.*", "_StorageInfo"},
};

// In TorchScript's own pickles.
constexpr Row harmless_script[] = {
    {"torch.jit._pickle", "build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist restore_type_tag"},
    {"__torch__*", "*"},
};

// Enumerations whose members Python 3.11 writes as builtins.getattr(class, name).
constexpr std::string_view enumerations[] = {"MEM_FORMAT_ENCODING", "_MEM_FORMAT_ENCODING"};

// A pattern has at most one "*", at its front or end.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.ends_with('*'))
    return text.starts_with(pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with('*'))
    return text.ends_with(pattern.substr(1));
  return pattern == text;
}

bool has_row(std::span<const Row> rows, std::string_view module, std::string_view name) {
  for (const Row& row : rows) {
    if (!matches(row.module, module))
      continue;
    for (std::string_view rest = row.names; !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (matches(rest.substr(0, end), name))
        return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

// The Python 3 name of a module of Python 2.
std::string_view today(std::string_view module) {
  if (module == "__builtin__")
    return "builtins";
  return module == "copy_reg" ? "copyreg" : module;
}

bool is_getattr(const Global& global) { return today(global.module) == "builtins" && global.name == "getattr"; }

// builtins.getattr of a known enumeration and a name.
bool names_enum_member(const Tree& tree, const Call& call) {
  const auto arguments = tree.items(call.arguments);
  if (arguments.size() != 2 || !tree.text(arguments[1]))
    return false;
  const Global* owner = tree.global(arguments[0]);
  const std::string_view member = *tree.text(arguments[1]);
  return owner != nullptr && is_harmless(owner->module, owner->name) &&
         std::find(std::begin(enumerations), std::end(enumerations), owner->name) != std::end(enumerations) &&
         !member.starts_with('_');
}

std::string times(std::uint64_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

// Goes through all nodes once, whatever circles they make.
class Search {
 public:
  Search(const Tree& tree, std::string_view file, Origin origin) : tree_(tree), file_(file), origin_(origin) {}

  std::vector<Finding> run() && {
    for (Id id = 0; id < tree_.size(); ++id)
      if (const Call* call = tree_.call(id))
        look_at(id, *call);
    for (const Global& global : tree_.globals())
      look_at(global);
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Finding& a, const Finding& b) { return a.position < b.position; });
    if (found_.size() > max_findings) {
      const std::string all = std::to_string(found_.size());
      found_.resize(max_findings);
      found_.back().note += "; " + all + " findings in all, the rest is not listed";
    }
    return std::move(found_);
  }

 private:
  void look_at(Id id, const Call& call) {
    const Global* callee = tree_.global(call.callee);
    if (callee == nullptr) {
      if (odd_calls_++ < max_findings)
        add("computed_call", "call of " + std::string(name_of(tree_.kind(call.callee))), tree_.position(id),
            "what Python would call is itself computed");
      return;
    }
    if (is_getattr(*callee)) {
      has_getattr_calls_ = true;
      if (!names_enum_member(tree_, call))
        odd_getattr_ = std::min(odd_getattr_, tree_.position(id));
    }
  }

  void look_at(const Global& global) {
    if (is_getattr(global)) {
      if (odd_getattr_ != no_position || !has_getattr_calls_)
        add("foreign_global", global.dotted(), std::min(global.position, odd_getattr_),
            "takes something else than a member of a known enumeration");
    } else if (!is_harmless(global.module, global.name, origin_)) {
      add("foreign_global", global.dotted(), global.position, "asked for " + times(global.uses));
    }
  }

  void add(std::string kind, std::string what, std::uint64_t position, std::string note) {
    found_.push_back({std::move(kind), std::move(what), std::string(file_), position, std::move(note)});
  }

  const Tree& tree_;
  std::string_view file_;
  Origin origin_;
  std::vector<Finding> found_;
  std::size_t odd_calls_ = 0;
  std::uint64_t odd_getattr_ = no_position;  // byte of the first call that takes no enum member
  bool has_getattr_calls_ = false;
};

}  // namespace

bool is_harmless(std::string_view module, std::string_view name, Origin origin) {
  module = today(module);
  return has_row(harmless, module, name) || (origin == Origin::torch_script && has_row(harmless_script, module, name));
}

std::vector<Finding> find_suspects(const Tree& tree, std::string_view file, Origin origin) {
  return Search(tree, file, origin).run();
}

}  // namespace heirloom::pickle
