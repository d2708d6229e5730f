// Expected failures carry a name that the caller can act on; main() turns them into one JSON line and an exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace argot {

enum class Problem {
    internal,
    badRequest,
    libraries,
    modelNotReadable,
    modelInvalid,
    modelUnsupported,
    adapterInvalid,
    adapterMismatch,
    dataInvalid,
    checkpointInvalid,
    memoryCeiling,
    fileNotWritable,
    cancelled,
    deviceUnusable,
};

struct ProblemName {
    const char * name;
    int exit_code;
};

inline ProblemName describe(Problem problem) {
    switch (problem) {
        case Problem::badRequest: return {"badRequest", 2};
        case Problem::libraries: return {"libraries", 3};
        case Problem::modelNotReadable: return {"modelNotReadable", 4};
        case Problem::modelInvalid: return {"modelInvalid", 5};
        case Problem::modelUnsupported: return {"modelUnsupported", 6};
        case Problem::adapterInvalid: return {"adapterInvalid", 7};
        case Problem::adapterMismatch: return {"adapterMismatch", 8};
        case Problem::dataInvalid: return {"dataInvalid", 9};
        case Problem::checkpointInvalid: return {"checkpointInvalid", 10};
        case Problem::memoryCeiling: return {"memoryCeiling", 11};
        case Problem::fileNotWritable: return {"fileNotWritable", 12};
        case Problem::cancelled: return {"cancelled", 13};
        case Problem::deviceUnusable: return {"deviceUnusable", 14};
        case Problem::internal: break;
    }
    return {"internal", 1};
}

struct Failure : std::runtime_error {
    Problem problem;
    Failure(Problem p, const std::string & sentence) : std::runtime_error(sentence), problem(p) {}
};

/** For a sentence: rounded up, so that what is asked for is enough. */
inline std::string mebibytes(size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

} // namespace argot
