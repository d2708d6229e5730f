#include "random.h"

#include "fail.h"

#include <cmath>
#include <random>

#if defined(__linux__)
#include <sys/random.h>
#elif defined(__APPLE__)
#include <cstdlib>
#endif

namespace argot {

std::array<uint32_t, 4> philox(uint64_t seed, uint64_t stream, uint64_t counter) {
    std::array<uint32_t, 4> x = {uint32_t(counter), uint32_t(counter >> 32), uint32_t(stream), uint32_t(stream >> 32)};
    uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = uint64_t(0xD2511F53) * x[0], p1 = uint64_t(0xCD9E8D57) * x[2];
        x = {uint32_t(p1 >> 32) ^ x[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ x[3] ^ k1, uint32_t(p0)};
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return x;
}

std::vector<uint32_t> shuffled(uint32_t n, uint64_t seed, uint64_t stream) {
    std::vector<uint32_t> order(n);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const auto bits = philox(seed, stream, i);
        // 64 bits modulo at most 2³²: the bias is below 2⁻³².
        const uint64_t pick = ((uint64_t(bits[0]) << 32) | bits[1]) % i;
        std::swap(order[i - 1], order[pick]);
    }
    return order;
}

ChaCha::ChaCha() : key_{} {
#if defined(__linux__)
    if (getrandom(key_.data(), sizeof key_, 0) != ssize_t(sizeof key_)) {
        throw Failure(Problem::internal, "The operating system gave no random bytes, and noise without them protects nobody.");
    }
#elif defined(__APPLE__)
    arc4random_buf(key_.data(), sizeof key_);
#else
    // Windows' std::random_device is the system's cryptographic generator.
    std::random_device device;
    for (uint32_t & word : key_) word = device();
#endif
}

ChaCha::ChaCha(uint64_t seed) : key_{uint32_t(seed), uint32_t(seed >> 32), 0, 0, 0, 0, 0, 0} {}

namespace {

inline uint32_t rotate(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

inline void quarter(std::array<uint32_t, 16> & x, size_t a, size_t b, size_t c, size_t d) {
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

} // namespace

uint32_t ChaCha::next() {
    if (used_ == 16) {
        std::array<uint32_t, 16> start = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        for (size_t i = 0; i < 8; i++) start[4 + i] = key_[i];
        start[12] = uint32_t(block_);
        start[13] = uint32_t(block_ >> 32);
        block_++;
        words_ = start;
        for (int round = 0; round < 10; round++) {
            quarter(words_, 0, 4, 8, 12), quarter(words_, 1, 5, 9, 13), quarter(words_, 2, 6, 10, 14), quarter(words_, 3, 7, 11, 15);
            quarter(words_, 0, 5, 10, 15), quarter(words_, 1, 6, 11, 12), quarter(words_, 2, 7, 8, 13), quarter(words_, 3, 4, 9, 14);
        }
        for (size_t i = 0; i < 16; i++) words_[i] += start[i];
        used_ = 0;
    }
    return words_[used_++];
}

double ChaCha::uniform() {
    const uint64_t bits = (uint64_t(next()) << 32) | next();
    return double(bits >> 11) * (1.0 / 9007199254740992.0);
}

double ChaCha::gaussian() {
    double sum = 0;
    for (int pair = 0; pair < 2; pair++) {
        const double radius = std::sqrt(-2 * std::log(1 - uniform())), angle = 6.283185307179586 * uniform();
        sum += radius * std::cos(angle) + radius * std::sin(angle);
    }
    return sum / 2;
}

} // namespace argot
