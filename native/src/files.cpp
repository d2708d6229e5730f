#include "files.h"

#include "fail.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#if defined(_WIN32)
#include <windows.h>
#include <io.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace argot {

namespace {

[[noreturn]] void unreadable(const std::string & path, const std::string & why) {
    throw Failure(Problem::modelNotReadable, "The file " + path + " can't be read: " + why + ".");
}

} // namespace

#if defined(_WIN32)
MappedFile::MappedFile(const std::string & path) {
    HANDLE file = CreateFileA(path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file == INVALID_HANDLE_VALUE) unreadable(path, "it can't be opened");
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file, &size) || size.QuadPart == 0) {
        CloseHandle(file);
        unreadable(path, "it is empty");
    }
    HANDLE mapping = CreateFileMappingA(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    CloseHandle(file);
    if (!mapping) unreadable(path, "it can't be mapped");
    data_ = static_cast<const uint8_t *>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
    CloseHandle(mapping);
    if (!data_) unreadable(path, "it can't be mapped");
    size_ = size_t(size.QuadPart);
}
MappedFile::~MappedFile() {
    if (data_) UnmapViewOfFile(data_);
}
#else
MappedFile::MappedFile(const std::string & path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) unreadable(path, std::strerror(errno));
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        close(file);
        unreadable(path, "it is empty or no regular file");
    }
    void * data = mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (data == MAP_FAILED) unreadable(path, std::strerror(errno));
    data_ = static_cast<const uint8_t *>(data);
    size_ = size_t(status.st_size);
}
MappedFile::~MappedFile() {
    if (data_) munmap(const_cast<uint8_t *>(data_), size_);
}
#endif

MappedFile::MappedFile(MappedFile && other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile & MappedFile::operator=(MappedFile && other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

std::string read_file(const std::string & path) {
    std::FILE * file = std::fopen(path.c_str(), "rb");
    if (!file) throw Failure(Problem::dataInvalid, "The file " + path + " can't be read: " + std::strerror(errno) + ".");
    std::string text;
    char buffer[1 << 16];
    size_t n;
    while ((n = std::fread(buffer, 1, sizeof buffer, file)) > 0) text.append(buffer, n);
    const bool failed = std::ferror(file) != 0;
    std::fclose(file);
    if (failed) throw Failure(Problem::dataInvalid, "The file " + path + " can't be read to its end.");
    return text;
}

void check_writable(const std::string & path) {
    const std::string temporary = path + ".partial";
    std::FILE * file = std::fopen(temporary.c_str(), "ab");
    if (!file) throw Failure(Problem::fileNotWritable, "The file " + path + " can't be written: " + std::strerror(errno) + ".");
    std::fclose(file);
    std::remove(temporary.c_str());
}

void write_file_atomically(const std::string & path, const std::vector<uint8_t> & bytes) {
    const std::string temporary = path + ".partial";
    const auto refuse = [&](const char * doing) {
        const std::string why = std::strerror(errno);
        std::remove(temporary.c_str());
        throw Failure(Problem::fileNotWritable, "The file " + path + " can't be written (" + doing + "): " + why + ".");
    };
    std::FILE * file = std::fopen(temporary.c_str(), "wb");
    if (!file) refuse("opening");
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
#if defined(_WIN32)
    const bool synced = written && _commit(_fileno(file)) == 0;
#else
    const bool synced = written && fsync(fileno(file)) == 0;
#endif
    const bool closed = std::fclose(file) == 0;
    if (!synced || !closed) refuse("writing");
    std::error_code error;
    std::filesystem::rename(temporary, path, error);
    if (error) refuse("renaming");
#if !defined(_WIN32)
    // The rename is durable only once the folder is on the disk.
    std::string folder = std::filesystem::path(path).parent_path().string();
    const int handle = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle >= 0) {
        fsync(handle);
        close(handle);
    }
#endif
}

} // namespace argot
