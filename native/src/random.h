// Random numbers whose bits are the same on every platform (Philox), and ones that nobody can predict (ChaCha20).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace argot {

/**
 * Philox4x32-10: a counter-based generator, so that element i of stream s needs no history.
 * J. Salmon et al., “Parallel Random Numbers: As Easy as 1, 2, 3”, SC 2011.
 */
std::array<uint32_t, 4> philox(uint64_t seed, uint64_t stream, uint64_t counter);

/** Uniform in (-1, 1): the odd integers of 25 bits times 2⁻²⁴, exact in float32. */
inline float symmetric_uniform(uint32_t bits) { return float(int32_t((bits >> 8) * 2 + 1) - (1 << 24)) * (1.0f / 16777216.0f); }

/** [0, 1) with 24 bits, exact in float32. */
inline float unit_uniform(uint32_t bits) { return float(bits >> 8) * (1.0f / 16777216.0f); }

/** 0..n-1 in an order that depends on seed and stream alone. */
std::vector<uint32_t> shuffled(uint32_t n, uint64_t seed, uint64_t stream);

/** ChaCha20 (RFC 8439) as a stream of random bytes. */
class ChaCha {
  public:
    /** Keyed by the operating system. */
    ChaCha();
    /** Keyed by a seed: for tests only, since whoever knows the seed can subtract the noise. */
    explicit ChaCha(uint64_t seed);
    explicit ChaCha(const std::array<uint32_t, 8> & key) : key_(key) {}
    uint32_t next();
    /** [0, 1) with 53 bits. */
    double uniform();
    /**
     * Standard normal. The sum of four Box–Muller samples, halved, as Opacus' secure mode does: recovering the noise
     * from the floating-point grid then needs too many guesses (Holohan and Braghin, arXiv 2107.10138).
     */
    double gaussian();

  private:
    std::array<uint32_t, 8> key_;
    uint64_t block_ = 0;
    std::array<uint32_t, 16> words_{};
    size_t used_ = 16;
};

} // namespace argot
