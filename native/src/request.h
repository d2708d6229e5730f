// What all commands have in common: libraries, model, arithmetic, threads.
#pragma once

#include "network.h"
#include "offload.h"
#include "session.h"

#include <memory>

namespace argot {

constexpr const char * trainer_version = "0.1.0";

struct Common {
    Ggml ggml;
    Model model;
    std::string model_sha256;
    int threads;
    const Kernels<float> * kernels;
    const HalfKernels * half;
    const ByteKernels * bytes;
    /** `cpu`: the kernels here. Else what Offload takes. */
    std::string device;

    /** The products' arithmetic, forward first. */
    std::string precision() const { return (bytes ? std::string(bytes->name) + " " : "") + (half ? half->name : "float32"); }
};

/** Reads `libraries`, `model`, `modelSha256`, `threads`, `kernels`, `precision` and `device`. */
Common read_common(Fields & fields);

/** Null for `cpu`. */
std::unique_ptr<Offload> open_device(const Common & common, bool trains, Threads & threads);

/** Reads `rank`, `alpha`, `targets` from the object `adapter`. */
AdapterShape read_shape(Fields & fields);

/** Reads a list of {"path", "scale"}; refuses an adapter whose card names another base. */
std::vector<FrozenAdapter> read_stack(const Common & common, const Json & list, const char * where);
Adapter load_checked(const Common & common, const std::string & path);

Matrices read_mode(Fields & fields);
inline Trains trains_of(Matrices mode) { return {mode != Matrices::b, mode != Matrices::a}; }
const char * name_of(Matrices mode);

void run_info(Fields & fields, Session & session);
void run_gradcheck(Fields & fields, Session & session);
void run_evaluate(Fields & fields, Session & session);
void run_train(Fields & fields, Session & session);
void run_delta(Fields & fields, Session & session);

} // namespace argot
