#define ARGOT_WIDTH 8
#include "simd.h"

namespace argot {
extern const Kernels<float> avx2_kernels;
const Kernels<float> avx2_kernels = simd_table("avx2");
} // namespace argot
