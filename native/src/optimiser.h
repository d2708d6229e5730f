// AdamW (Loshchilov and Hutter, arXiv 1711.05101), plain gradient descent, gradient clipping and the learning rate's schedule.
#pragma once

#include "threads.h"
#include "train_settings.h"

#include <vector>

namespace argot {

struct Moments {
    std::vector<float> first, second;
};

/** Linear warm-up, then constant, or a cosine down to a tenth at `steps`. Steps count from 1. */
double learning_rate_at(const TrainSettings & settings, int64_t step, int64_t steps);

/** Euclidean norm over the parameters that train; summed in one order whatever the number of threads. */
double gradient_norm(Threads & threads, const ParameterLayout & layout, Trains trains, const float * gradient);

/** One step on gradient · factor. What does not train is not touched. */
void adamw_step(Threads & threads, const ParameterLayout & layout, Trains trains, const TrainSettings & settings, double rate, int64_t step,
                double factor, const float * gradient, Moments & moments, std::vector<float> & parameters);

/** One step of rate along −gradient · factor, without momentum or decay. What does not train is not touched. */
void sgd_step(Threads & threads, const ParameterLayout & layout, Trains trains, double rate, double factor, const float * gradient,
              std::vector<float> & parameters);

} // namespace argot
