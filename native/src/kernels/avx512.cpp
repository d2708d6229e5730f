#define ARGOT_WIDTH 16
#include "simd.h"

namespace argot {
extern const Kernels<float> avx512_kernels;
const Kernels<float> avx512_kernels = simd_table("avx512");
} // namespace argot
