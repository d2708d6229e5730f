// Which table this processor runs; asked once, never decided by the compiler's -march.
#include "decoders.h"
#include "portable.h"

#include <cstring>

namespace argot {

extern const Kernels<float> narrow_kernels;
#if defined(ARGOT_X86)
extern const Kernels<float> avx2_kernels;
extern const Kernels<float> avx512_kernels;
extern const HalfKernels avx512bf16_kernels;
extern const ByteKernels avx512vnni_kernels;
extern Decoder avx2_decoder(ggml_type type);
extern Decoder avx512_decoder(ggml_type type);
#endif

template <typename Real>
const Kernels<Real> & portable_kernels() {
    static constexpr Kernels<Real> table = Portable<Real>::table;
    return table;
}
template const Kernels<float> & portable_kernels<float>();
template const Kernels<double> & portable_kernels<double>();

const Kernels<float> & best_kernels() {
#if defined(ARGOT_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq")) {
        return avx512_kernels;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) return avx2_kernels;
#endif
    return narrow_kernels;
}

const Kernels<float> * find_kernels(const char * name) {
    if (std::strcmp(name, "portable") == 0) return &portable_kernels<float>();
    if (std::strcmp(name, narrow_kernels.name) == 0) return &narrow_kernels;
#if defined(ARGOT_X86)
    const Kernels<float> & best = best_kernels();
    if (std::strcmp(name, "avx2") == 0 && &best != &narrow_kernels) return &avx2_kernels;
    if (std::strcmp(name, "avx512") == 0 && &best == &avx512_kernels) return &avx512_kernels;
#endif
    return nullptr;
}

const HalfKernels * half_kernels() {
#if defined(ARGOT_X86)
    __builtin_cpu_init();
    if (&best_kernels() == &avx512_kernels && __builtin_cpu_supports("avx512bf16")) return &avx512bf16_kernels;
#endif
    return nullptr;
}

const ByteKernels * byte_kernels() {
#if defined(ARGOT_X86)
    if (half_kernels() && __builtin_cpu_supports("avx512vnni")) return &avx512vnni_kernels;
#endif
    return nullptr;
}

Decoder fast_decoder(ggml_type type) {
#if defined(ARGOT_X86)
    if (&best_kernels() == &avx512_kernels) return avx512_decoder(type);
    if (&best_kernels() == &avx2_kernels) return avx2_decoder(type);
#endif
    (void) type;
    return nullptr;
}

} // namespace argot
