#include "attention.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace argot {

namespace {

constexpr int64_t query_rows = 32;

int64_t padded(int64_t n) { return (n + 15) / 16 * 16; }

// dst (width, ld) = srcᵀ for `length` rows of stride `stride`; columns up to the padding are zero.
template <typename Real>
void transpose_head(const Kernels<Real> & k, const Real * src, int64_t stride, int64_t length, int64_t width, Buffer<Real> & dst) {
    const int64_t ld = padded(length);
    if (dst.size() < ld * width) dst.resize(ld * width);
    if constexpr (std::is_same_v<Real, float>) {
        k.transpose(length, width, src, stride, dst.data(), ld);
    } else {
        for (int64_t i = 0; i < length; i++) {
            for (int64_t j = 0; j < width; j++) dst[j * ld + i] = src[i * stride + j];
        }
    }
    for (int64_t j = 0; j < width; j++) std::fill(dst.data() + j * ld + length, dst.data() + (j + 1) * ld, Real(0));
}

// Rows [first, first + rows) of softmax(scale · q kᵀ) under the causal mask, into scores (rows, ld).
template <typename Real>
void probabilities(const Kernels<Real> & k, const AttentionShape<Real> & shape, const Real * q, int64_t stride, int64_t first, int64_t rows,
                   const Real * k_transposed, int64_t ld, Real * scores) {
    const int64_t columns = padded(first + rows);
    k.gemm(rows, columns, shape.width, q + first * stride, stride, 1, k_transposed, ld, scores, ld, false);
    for (int64_t i = 0; i < rows; i++) {
        Real * row = scores + i * ld;
        k.softmax(first + i + 1, shape.scale, row);
        std::fill(row + first + i + 1, row + columns, Real(0));
    }
}

// In bfloat16 a head reserves its own.
template <typename Real>
void reserve(const Machine<Real> & machine, const AttentionShape<Real> & shape, AttentionScratch<Real> & scratch, const std::vector<Segment> & segments) {
    scratch.worker.resize(size_t(machine.threads->count()));
    if (fits_half(machine.half, shape.width)) return;
    int64_t longest = 0;
    for (const Segment & s : segments) longest = std::max(longest, padded(s.length));
    for (auto & w : scratch.worker) {
        if (w.scores.size() < longest * query_rows) w.scores.resize(longest * query_rows);
        if (w.d_scores.size() < longest * query_rows) w.d_scores.resize(longest * query_rows);
    }
}

} // namespace

template <typename Real>
void attention_forward(Machine<Real> & machine, const AttentionShape<Real> & shape, const std::vector<Segment> & segments, const Real * q,
                       const Real * k, const Real * v, Real * out, AttentionScratch<Real> & scratch) {
    reserve(machine, shape, scratch, segments);
    const Kernels<Real> & f = *machine.kernels;
    const int64_t q_stride = shape.heads * shape.width, kv_stride = shape.kv_heads * shape.width, group = shape.heads / shape.kv_heads;
    machine.threads->run_unless_stopped(int64_t(segments.size()) * shape.heads, [&](int64_t index, int worker) {
        const Segment & segment = segments[size_t(index / shape.heads)];
        const int64_t head = index % shape.heads, ld = padded(segment.length);
        const int64_t q_at = segment.start * q_stride + head * shape.width, kv_at = segment.start * kv_stride + head / group * shape.width;
        auto & s = scratch.worker[size_t(worker)];
        if constexpr (std::is_same_v<Real, float>) {
            if (fits_half(machine.half, shape.width)) {
                const HeadView view = {q + q_at, k + kv_at, v + kv_at, q_stride, kv_stride, segment.length, shape.width, shape.scale};
                return half_head_forward(f, *machine.half, view, out + q_at, s.half);
            }
        }
        transpose_head(f, k + kv_at, kv_stride, segment.length, shape.width, s.k_transposed);
        for (int64_t first = 0; first < segment.length; first += query_rows) {
            const int64_t rows = std::min(query_rows, segment.length - first);
            probabilities(f, shape, q + q_at, q_stride, first, rows, s.k_transposed.data(), ld, s.scores.data());
            f.gemm(rows, shape.width, first + rows, s.scores.data(), ld, 1, v + kv_at, kv_stride, out + q_at + first * q_stride, q_stride, false);
        }
    });
}

template <typename Real>
void attention_backward(Machine<Real> & machine, const AttentionShape<Real> & shape, const std::vector<Segment> & segments, const Real * q,
                        const Real * k, const Real * v, const Real * d_out, Real * dq, Real * dk, Real * dv, AttentionScratch<Real> & scratch) {
    reserve(machine, shape, scratch, segments);
    const Kernels<Real> & f = *machine.kernels;
    const int64_t q_stride = shape.heads * shape.width, kv_stride = shape.kv_heads * shape.width, group = shape.heads / shape.kv_heads;
    const int64_t n = segments.back().start + segments.back().length;
    if (scratch.dk_heads.size() < n * q_stride) scratch.dk_heads.resize(n * q_stride);
    if (scratch.dv_heads.size() < n * q_stride) scratch.dv_heads.resize(n * q_stride);
    machine.threads->run_unless_stopped(int64_t(segments.size()) * shape.heads, [&](int64_t index, int worker) {
        const Segment & segment = segments[size_t(index / shape.heads)];
        const int64_t head = index % shape.heads, ld = padded(segment.length);
        const int64_t q_at = segment.start * q_stride + head * shape.width, kv_at = segment.start * kv_stride + head / group * shape.width;
        auto & s = scratch.worker[size_t(worker)];
        Real * dk_head = scratch.dk_heads.data() + q_at, * dv_head = scratch.dv_heads.data() + q_at;
        if constexpr (std::is_same_v<Real, float>) {
            if (fits_half(machine.half, shape.width)) {
                const HeadView view = {q + q_at, k + kv_at, v + kv_at, q_stride, kv_stride, segment.length, shape.width, shape.scale};
                return half_head_backward(f, *machine.half, view, d_out + q_at, dq + q_at, dk_head, dv_head, s.half);
            }
        }
        transpose_head(f, k + kv_at, kv_stride, segment.length, shape.width, s.k_transposed);
        transpose_head(f, v + kv_at, kv_stride, segment.length, shape.width, s.v_transposed);
        for (int64_t i = 0; i < segment.length; i++) {
            std::fill(dk_head + i * q_stride, dk_head + i * q_stride + shape.width, Real(0));
            std::fill(dv_head + i * q_stride, dv_head + i * q_stride + shape.width, Real(0));
        }
        for (int64_t first = 0; first < segment.length; first += query_rows) {
            const int64_t rows = std::min(query_rows, segment.length - first), seen = first + rows;
            const Real * q_rows = q + q_at + first * q_stride, * d_rows = d_out + q_at + first * q_stride;
            Real * p = s.scores.data(), * ds = s.d_scores.data();
            probabilities(f, shape, q + q_at, q_stride, first, rows, s.k_transposed.data(), ld, p);
            f.gemm(rows, padded(seen), shape.width, d_rows, q_stride, 1, s.v_transposed.data(), ld, ds, ld, false);
            f.gemm(seen, shape.width, rows, p, 1, ld, d_rows, q_stride, dv_head, q_stride, true);
            for (int64_t i = 0; i < rows; i++) f.softmax_backward(padded(seen), shape.scale, p + i * ld, ds + i * ld);
            f.gemm(rows, shape.width, seen, ds, ld, 1, k + kv_at, kv_stride, dq + q_at + first * q_stride, q_stride, false);
            f.gemm(seen, shape.width, rows, ds, 1, ld, q_rows, q_stride, dk_head, q_stride, true);
        }
    });
    over_rows(*machine.threads, n, 16, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; i++) {
            for (int64_t h = 0; h < shape.kv_heads; h++) {
                const int64_t from = i * q_stride + h * group * shape.width, to = i * kv_stride + h * shape.width;
                std::memcpy(dk + to, scratch.dk_heads.data() + from, size_t(shape.width) * sizeof(Real));
                std::memcpy(dv + to, scratch.dv_heads.data() + from, size_t(shape.width) * sizeof(Real));
                for (int64_t g = 1; g < group; g++) {
                    f.add(shape.width, scratch.dk_heads.data() + from + g * shape.width, dk + to);
                    f.add(shape.width, scratch.dv_heads.data() + from + g * shape.width, dv + to);
                }
            }
        }
    });
}

#define ARGOT_INSTANTIATE(Real)                                                                                              \
    template void attention_forward(Machine<Real> &, const AttentionShape<Real> &, const std::vector<Segment> &, const Real *, \
                                    const Real *, const Real *, Real *, AttentionScratch<Real> &);                           \
    template void attention_backward(Machine<Real> &, const AttentionShape<Real> &, const std::vector<Segment> &, const Real *, \
                                     const Real *, const Real *, const Real *, Real *, Real *, Real *, AttentionScratch<Real> &);
ARGOT_INSTANTIATE(float)
ARGOT_INSTANTIATE(double)
#undef ARGOT_INSTANTIATE

} // namespace argot
