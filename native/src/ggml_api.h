// The ggml that node-llama-cpp ships, found at run time: the libraries' names differ by version and variant, and
// Windows has nothing to link against.
#pragma once

#include "ggml.h"
#include "ggml-backend.h"

#include <string>
#include <vector>

namespace argot {

struct Device {
    ggml_backend_dev_t handle;
    std::string name, description;
    bool gpu;
    size_t memory_free, memory_total;
};

struct Ggml {
    std::string version, commit, release;
    std::string folder;
    decltype(&ggml_get_type_traits) type_traits;
    decltype(&ggml_type_name) type_name;
    decltype(&ggml_quantize_chunk) quantize_chunk;
    std::vector<void *> libraries;
};

/**
 * Loads libggml-base from a folder such as `@node-llama-cpp/linux-x64/bins/linux-x64`. Refuses a version whose
 * major and minor numbers differ from the headers that this program was built with.
 */
Ggml load_ggml(const std::string & folder);

/** The function of that name in the first library that has it; refuses a ggml without it. */
void * find_function(const std::vector<void *> & libraries, const char * name);

/** Loads the library that knows the back ends; gives all that are loaded. */
std::vector<void *> open_registry(const Ggml & ggml);

template <typename Function>
void resolve(const std::vector<void *> & libraries, const char * name, Function & function) {
    function = reinterpret_cast<Function>(find_function(libraries, name));
}

/** What ggml's back ends in that folder can compute on. Loading GPU drivers takes time: who trains on the processor does not ask. */
std::vector<Device> list_devices(const Ggml & ggml);

} // namespace argot
