// One head of attention whose products are in bfloat16 with float32 sums; softmax and all that is stored stay float32.
#pragma once

#include "buffer.h"
#include "kernels/kernels.h"

namespace argot {

/** One query head of one segment: q (length, width) with stride `q_stride`, k and v (length, width) with `kv_stride`. */
struct HeadView {
    const float *q, *k, *v;
    int64_t q_stride, kv_stride, length, width;
    float scale;
};

struct HalfHeadScratch {
    // Pairs along the width (width / 2, padded length, 2), and along the positions (length / 2, width, 2).
    Buffer<uint16_t> k_by_width, v_by_width, k_by_position, v_by_position;
    Buffer<uint16_t> rows, scores_half, pairs;
    Buffer<float> scores, d_scores, transposed, dk_transposed, dv_transposed;
};

/** The products need pairs along the width and whole vectors of it. */
inline bool fits_half(const HalfKernels * half, int64_t width) { return half && width % 16 == 0; }

/** out (length, width), stride `q_stride`. */
void half_head_forward(const Kernels<float> & kernels, const HalfKernels & half, const HeadView & head, float * out, HalfHeadScratch & scratch);

/** Probabilities are computed again. dq, dk and dv (length, width), stride `q_stride`, are overwritten. */
void half_head_backward(const Kernels<float> & kernels, const HalfKernels & half, const HeadView & head, const float * d_out, float * dq, float * dk,
                        float * dv, HalfHeadScratch & scratch);

} // namespace argot
