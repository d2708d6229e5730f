#include "attention_half.h"

#include <algorithm>

namespace argot {

namespace {

// Query rows at a time, and what the number of positions is rounded up to: one panel of the product.
constexpr int64_t block = 64;

int64_t padded(int64_t n) { return (n + block - 1) / block * block; }
int64_t even(int64_t n) { return (n + 1) / 2 * 2; }

template <typename T>
void grow(Buffer<T> & buffer, int64_t n) {
    if (buffer.size() < n) buffer.resize(n);
}

struct Block {
    int64_t first, rows, columns;
    /** Positions that the block sees, an odd last one with a zero beside it. */
    int64_t depth;
};

Block block_at(const HeadView & head, int64_t first) {
    const int64_t rows = std::min(block, head.length - first), seen = first + rows;
    return {first, rows, padded(seen), even(seen)};
}

struct Products {
    const Kernels<float> & kernels;
    const HalfKernels & half;
    const HeadView & head;
    HalfHeadScratch & s;
    int64_t ld = padded(head.length);

    // Columns beyond the length would else hold what a longer segment left, which need not be finite.
    void pack_by_width(const float * src, Buffer<uint16_t> & panel) const {
        grow(panel, ld * head.width);
        if (ld != head.length) panel.clear();
        half.pack_rows(head.length, head.width, src, head.kv_stride, panel.data(), ld);
    }
    void pack_by_position(const float * src, Buffer<uint16_t> & panel) const {
        grow(panel, even(head.length) * head.width);
        half.pack_columns(head.length, head.width, src, head.kv_stride, panel.data(), head.width);
    }

    // c (rows, columns) = the block's rows of x (length, width) · panelᵀ, of pairs along the width.
    void scores(const Block & b, const float * x, const Buffer<uint16_t> & panel, float * c) const {
        grow(s.rows, block * head.width);
        for (int64_t i = 0; i < b.rows; i++) half.convert(head.width, x + (b.first + i) * head.q_stride, s.rows.data() + i * head.width);
        half.gemm(b.rows, b.columns, head.width, s.rows.data(), head.width, panel.data(), ld, c, ld, false);
    }

    void probabilities(const Block & b) const {
        scores(b, head.q, s.k_by_width, s.scores.data());
        for (int64_t i = 0; i < b.rows; i++) {
            float * row = s.scores.data() + i * ld;
            kernels.softmax(b.first + i + 1, head.scale, row);
            std::fill(row + b.first + i + 1, row + b.columns, 0.0f);
        }
    }

    // The block's rows of y (length, width) = p (rows, columns) · panel, of pairs along the positions.
    void weighted_sum(const Block & b, const float * p, const Buffer<uint16_t> & panel, float * y) const {
        for (int64_t i = 0; i < b.rows; i++) half.convert(b.columns, p + i * ld, s.scores_half.data() + i * ld);
        half.gemm(b.rows, head.width, b.depth, s.scores_half.data(), ld, panel.data(), head.width, y + b.first * head.q_stride, head.q_stride, false);
    }

    // dᵀ (width, positions) += xᵀ · p for the block's rows of x: so that p is packed as it lies.
    void add_transposed(const Block & b, const float * x, const float * p, float * d_transposed) const {
        kernels.transpose(b.rows, head.width, x + b.first * head.q_stride, head.q_stride, s.transposed.data(), block);
        half.convert(head.width * block, s.transposed.data(), s.rows.data());
        half.pack_columns(b.rows, b.columns, p, ld, s.pairs.data(), ld);
        half.gemm(head.width, b.columns, even(b.rows), s.rows.data(), block, s.pairs.data(), ld, d_transposed, ld, true);
    }
};

} // namespace

void half_head_forward(const Kernels<float> & kernels, const HalfKernels & half, const HeadView & head, float * out, HalfHeadScratch & s) {
    const Products products{kernels, half, head, s};
    grow(s.scores, block * products.ld);
    grow(s.scores_half, block * products.ld);
    products.pack_by_width(head.k, s.k_by_width);
    products.pack_by_position(head.v, s.v_by_position);
    for (int64_t first = 0; first < head.length; first += block) {
        const Block b = block_at(head, first);
        products.probabilities(b);
        products.weighted_sum(b, s.scores.data(), s.v_by_position, out);
    }
}

void half_head_backward(const Kernels<float> & kernels, const HalfKernels & half, const HeadView & head, const float * d_out, float * dq, float * dk,
                        float * dv, HalfHeadScratch & s) {
    const Products products{kernels, half, head, s};
    const int64_t ld = products.ld;
    for (auto * buffer : {&s.scores, &s.d_scores}) grow(*buffer, block * ld);
    for (auto * buffer : {&s.scores_half, &s.pairs}) grow(*buffer, block * ld);
    for (auto * buffer : {&s.dk_transposed, &s.dv_transposed}) {
        grow(*buffer, head.width * ld);
        std::fill_n(buffer->data(), head.width * ld, 0.0f);
    }
    // Beside an odd last row a finite number must stand.
    grow(s.transposed, head.width * block);
    s.transposed.clear();
    products.pack_by_width(head.k, s.k_by_width);
    products.pack_by_width(head.v, s.v_by_width);
    products.pack_by_position(head.k, s.k_by_position);
    for (int64_t first = 0; first < head.length; first += block) {
        const Block b = block_at(head, first);
        float * p = s.scores.data(), * ds = s.d_scores.data();
        products.probabilities(b);
        products.scores(b, d_out, s.v_by_width, ds);
        products.add_transposed(b, d_out, p, s.dv_transposed.data());
        for (int64_t i = 0; i < b.rows; i++) kernels.softmax_backward(b.columns, head.scale, p + i * ld, ds + i * ld);
        products.weighted_sum(b, ds, s.k_by_position, dq);
        products.add_transposed(b, head.q, ds, s.dk_transposed.data());
    }
    kernels.transpose(head.width, head.length, s.dk_transposed.data(), ld, dk, head.q_stride);
    kernels.transpose(head.width, head.length, s.dv_transposed.data(), ld, dv, head.q_stride);
}

} // namespace argot
