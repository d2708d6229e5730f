// The products with the model's weights on one of ggml's devices. The weights are uploaded once; activations go there and
// come back for each product, and all else stays on this processor.
//
//   y (n, out) = x Wᵀ    by the quantised matrix, as the completing engine computes it on that device
//   dx (n, in) = dy W    by a transposed copy in float16: no device multiplies by the transpose of a quantised matrix
#pragma once

#include "model.h"
#include "threads.h"

#include <map>
#include <memory>

namespace argot {

/**
 * Told in a sentence what was wrong when ggml ends the process, as it does when a device fails. Must not return. main() sets it.
 */
extern void (*on_device_failure)(const std::string & sentence);

class Offload {
  public:
    /**
     * `device` is `gpu`, the first that ggml lists, or a name that `info` lists. Without `trains` no transposed copies are
     * made. Refuses a device that is not there, that lacks a product, or that has no room for the weights.
     */
    Offload(const Ggml & ggml, const Model & model, const std::string & device, bool trains, Threads & threads);
    ~Offload();
    Offload(const Offload &) = delete;
    Offload & operator=(const Offload &) = delete;

    const std::string & device() const { return device_; }
    /** y is overwritten. */
    void forward(const Weight & weight, int64_t n, const float * x, float * y);
    /** dx = [dx +] dy · W. */
    void backward(const Weight & weight, int64_t n, const float * dy, float * dx, bool accumulate);

  private:
    struct Functions;
    struct Matrix {
        const Weight * weight;
        ggml_tensor *forward, *transposed;
    };
    void choose_device(const Ggml & ggml, const std::string & wanted);
    void place(const Weight & weight, bool trains);
    void check_products() const;
    void upload(const Matrix & matrix);
    void product(ggml_tensor * matrix, int64_t n, const float * x, float * y);

    std::unique_ptr<const Functions> ggml_;
    Threads & threads_;
    std::string device_;
    ggml_backend_dev_t handle_ = nullptr;
    ggml_backend_t backend_ = nullptr;
    ggml_context * context_ = nullptr;
    ggml_backend_buffer_t weights_ = nullptr;
    /** Of a product's activations; kept from one to the next. */
    struct ggml_gallocr * activations_ = nullptr;
    std::map<const uint8_t *, Matrix> matrices_;
    std::vector<float> scaled_, result_, inverse_;
    std::vector<uint8_t> graph_memory_;
};

} // namespace argot
