// Vectors of four floats: what every processor of the family has (NEON on ARM, SSE2 on x86-64).
#define ARGOT_WIDTH 4
#include "simd.h"

namespace argot {
extern const Kernels<float> narrow_kernels;
#if defined(__aarch64__)
const Kernels<float> narrow_kernels = simd_table("neon");
#else
const Kernels<float> narrow_kernels = simd_table("sse");
#endif
} // namespace argot
