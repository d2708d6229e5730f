// Differentially private gradients: each example's gradient clipped, the sum noised (Abadi et al., arXiv 1607.00133).
#pragma once

#include "random.h"
#include "train_settings.h"

#include <vector>

namespace argot {

/** Each example is taken with probability expected_batch / examples, independently of the others. */
std::vector<uint32_t> poisson_sample(ChaCha & random, uint32_t examples, double expected_batch);

/** sum += gradient · min(1, clip / norm). Returns the norm before clipping. */
double add_clipped(Threads & threads, const ParameterLayout & layout, Trains trains, double clip, const float * gradient, float * sum);

/** Adds normal noise of deviation clip · noise_multiplier to everything that trains, and divides by the expected batch. */
void add_noise(ChaCha & random, const ParameterLayout & layout, Trains trains, const Privacy & privacy, float * sum);

/** The generator of one step: keyed by the operating system, or by test seed and step so that a resumed test repeats it. */
ChaCha step_random(const Privacy & privacy, int64_t step);

} // namespace argot
