#include "plugins/common/torch/dtypes.hpp"

namespace heirloom::torch {
namespace {

// Sources: formats/facts/pytorch.md#data-types.
constexpr DType dtypes[] = {
    {"float32", "float", "FloatStorage", "f32", 4},
    {"float64", "double", "DoubleStorage", "f64", 8},
    {"float16", "half", "HalfStorage", "f16", 2},
    {"bfloat16", "", "BFloat16Storage", "bf16", 2},
    {"int64", "long", "LongStorage", "i64", 8},
    {"int32", "int", "IntStorage", "i32", 4},
    {"int16", "short", "ShortStorage", "i16", 2},
    {"int8", "", "CharStorage", "i8", 1},
    {"uint8", "", "ByteStorage", "u8", 1},
    {"bool", "", "BoolStorage", "bool", 1},
    {"complex64", "cfloat", "ComplexFloatStorage", "c64", 8, 2},
    {"complex128", "cdouble", "ComplexDoubleStorage", "c128", 16, 2},
    {"uint16", "", "", "u16", 2},
    {"uint32", "", "", "u32", 4},
    {"uint64", "", "", "u64", 8},
    {"float8_e4m3fn", "", "", "f8_e4m3", 1},
    {"float8_e5m2", "", "", "f8_e5m2", 1},
    {"float8_e4m3fnuz", "", "", "f8_e4m3fnuz", 1},
    {"float8_e5m2fnuz", "", "", "f8_e5m2fnuz", 1},
    {"float8_e8m0fnu", "", "", "f8_e8m0", 1},
    // Known by name, with no encoding here.
    {"complex32", "chalf", "", "", 4, 2},
    {"float4_e2m1fn_x2", "", "", "", 1},
    {"qint8", "", "QInt8Storage", "", 1},
    {"quint8", "", "QUInt8Storage", "", 1},
    {"qint32", "", "QInt32Storage", "", 4},
    {"quint4x2", "", "QUInt4x2Storage", "", 1},
    {"quint2x4", "", "QUInt2x4Storage", "", 1},
};

}  // namespace

const DType* find_dtype(std::string_view name) {
  for (const DType& dtype : dtypes)
    if (dtype.name == name || (!dtype.alias.empty() && dtype.alias == name))
      return &dtype;
  return nullptr;
}

const DType* dtype_of_storage(std::string_view storage_class) {
  for (const DType& dtype : dtypes)
    if (!dtype.storage.empty() && dtype.storage == storage_class)
      return &dtype;
  return nullptr;
}

const DType* dtype_of_encoding(std::string_view encoding) {
  for (const DType& dtype : dtypes)
    if (!dtype.encoding.empty() && dtype.encoding == encoding)
      return &dtype;
  return nullptr;
}

const DType* dtype_of(const pickle::Tree& tree, pickle::Id id) {
  const pickle::Global* global = tree.global(id);
  return global != nullptr && global->module == "torch" ? find_dtype(global->name) : nullptr;
}

}  // namespace heirloom::torch
