#include "ggml_api.h"

#include "fail.h"
#include "json.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace argot {

namespace {

[[noreturn]] void refuse(const std::string & why) {
    throw Failure(Problem::libraries, why + " Reinstall node-llama-cpp, or rebuild the trainer (npm run build:native).");
}

#if defined(_WIN32)
void * open_library(const std::string & path) {
    void * handle = LoadLibraryExA(path.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (!handle) refuse("The library " + path + " could not be loaded.");
    return handle;
}
void * find_symbol(void * library, const char * name) {
    return reinterpret_cast<void *>(GetProcAddress(static_cast<HMODULE>(library), name));
}
#else
void * open_library(const std::string & path) {
    void * handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) refuse(std::string("A library of ggml could not be loaded: ") + dlerror() + ".");
    return handle;
}
void * find_symbol(void * library, const char * name) { return dlsym(library, name); }
#endif

// "libggml-base.so", "libggml-base.0.23.dylib", "ggml-base.dll"; and for the registry "libggml.so",
// "libggml.v0.4.0.so", "libggml.cuda.v0.5.0.so", but not "libggml-cpu-zen4.so".
std::string find_library(const std::string & folder, const std::string & stem) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto & entry : std::filesystem::directory_iterator(folder, error)) {
        std::string name = entry.path().filename().string();
        const bool library = name.find(".so") != std::string::npos || name.find(".dylib") != std::string::npos ||
                             name.find(".dll") != std::string::npos;
        if (name.rfind("lib", 0) == 0) name = name.substr(3);
        if (library && name.rfind(stem + ".", 0) == 0) found.push_back(entry.path().string());
    }
    if (error) refuse("The folder of ggml's libraries can't be read: " + folder + ".");
    if (found.empty()) refuse("There is no " + stem + " library in " + folder + ".");
    std::sort(found.begin(), found.end());
    return found.front();
}

std::string major_minor(const std::string & version) {
    const size_t second = version.find('.', version.find('.') + 1);
    return version.substr(0, second);
}

// node-llama-cpp's note beside its libraries; absent when somebody else built them.
std::string read_release(const std::string & folder) {
    std::ifstream file(std::filesystem::path(folder) / "_nlcBuildMetadata.json");
    if (!file) return "";
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const Json json = parse_json(text);
    Json options = json.kind == Json::Kind::object && json.object.count("buildOptions") ? json.object.at("buildOptions") : Json();
    Json llama = options.object.count("llamaCpp") ? options.object.at("llamaCpp") : Json();
    return llama.object.count("release") ? llama.object.at("release").string : "";
}

} // namespace

void * find_function(const std::vector<void *> & libraries, const char * name) {
    for (void * library : libraries) {
        if (void * symbol = find_symbol(library, name)) return symbol;
    }
    refuse(std::string("The installed ggml has no function ") + name + ".");
}

std::vector<void *> open_registry(const Ggml & ggml) {
    std::vector<void *> libraries = ggml.libraries;
    libraries.push_back(open_library(find_library(ggml.folder, "ggml")));
    return libraries;
}

Ggml load_ggml(const std::string & folder) {
    Ggml ggml = {};
    ggml.folder = folder;
    ggml.release = read_release(folder);
    ggml.libraries.push_back(open_library(find_library(folder, "ggml-base")));
    decltype(&ggml_version) version;
    decltype(&ggml_commit) commit;
    resolve(ggml.libraries, "ggml_version", version);
    resolve(ggml.libraries, "ggml_commit", commit);
    ggml.version = version();
    ggml.commit = commit();
    if (major_minor(ggml.version) != major_minor(ARGOT_GGML_VERSION)) {
        refuse("This trainer was built for ggml " ARGOT_GGML_VERSION ", and the installed one is " + ggml.version + ".");
    }
    resolve(ggml.libraries, "ggml_get_type_traits", ggml.type_traits);
    resolve(ggml.libraries, "ggml_type_name", ggml.type_name);
    resolve(ggml.libraries, "ggml_quantize_chunk", ggml.quantize_chunk);
    return ggml;
}

std::vector<Device> list_devices(const Ggml & ggml) {
    const std::vector<void *> libraries = open_registry(ggml);
    decltype(&ggml_backend_load_all_from_path) load_all;
    decltype(&ggml_backend_dev_count) count;
    decltype(&ggml_backend_dev_get) get;
    decltype(&ggml_backend_dev_name) name;
    decltype(&ggml_backend_dev_description) description;
    decltype(&ggml_backend_dev_type) type;
    decltype(&ggml_backend_dev_memory) memory;
    resolve(libraries, "ggml_backend_load_all_from_path", load_all);
    resolve(libraries, "ggml_backend_dev_count", count);
    resolve(libraries, "ggml_backend_dev_get", get);
    resolve(libraries, "ggml_backend_dev_name", name);
    resolve(libraries, "ggml_backend_dev_description", description);
    resolve(libraries, "ggml_backend_dev_type", type);
    resolve(libraries, "ggml_backend_dev_memory", memory);
    load_all(ggml.folder.c_str());
    std::vector<Device> devices;
    for (size_t i = 0; i < count(); i++) {
        const ggml_backend_dev_t device = get(i);
        Device entry = {};
        entry.handle = device;
        entry.name = name(device);
        entry.description = description(device);
        entry.gpu = type(device) == GGML_BACKEND_DEVICE_TYPE_GPU || type(device) == GGML_BACKEND_DEVICE_TYPE_IGPU;
        memory(device, &entry.memory_free, &entry.memory_total);
        devices.push_back(entry);
    }
    return devices;
}

} // namespace argot
