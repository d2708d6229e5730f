// Files: mapped for reading, and replaced atomically when written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace argot {

/** A file's bytes, mapped read-only, so that weights cost no copy and the system may drop them under pressure. */
class MappedFile {
  public:
    MappedFile() = default;
    explicit MappedFile(const std::string & path);
    ~MappedFile();
    MappedFile(MappedFile && other) noexcept;
    MappedFile & operator=(MappedFile && other) noexcept;
    MappedFile(const MappedFile &) = delete;
    MappedFile & operator=(const MappedFile &) = delete;
    const uint8_t * data() const { return data_; }
    size_t size() const { return size_; }

  private:
    const uint8_t * data_ = nullptr;
    size_t size_ = 0;
};

std::string read_file(const std::string & path);

/**
 * Writes beside `path`, forces the bytes to the disk and renames: whoever is killed in between leaves the old file or
 * the new one, never a half. A leftover temporary file is overwritten by the next attempt.
 */
void write_file_atomically(const std::string & path, const std::vector<uint8_t> & bytes);

/** Refuses a path that write_file_atomically could not write, before hours of work depend on it. */
void check_writable(const std::string & path);

} // namespace argot
