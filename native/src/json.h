// A small JSON reader and writer for requests, data sets and events. Numbers are doubles, as in JavaScript.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace argot {

struct Json {
    enum class Kind { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    bool boolean = false;
    double number = 0;
    std::string string;
    std::vector<Json> array;
    std::map<std::string, Json> object;

    static Json of(bool value);
    static Json of(double value);
    static Json of(int64_t value) { return of(double(value)); }
    static Json of(int value) { return of(double(value)); }
    static Json of(const std::string & value);
    static Json of(const char * value) { return of(std::string(value)); }
    static Json list();
    static Json make();

    /** Adds a member to an object and returns the object, so that events read as they look. */
    template <typename Value>
    Json && with(const char * name, Value value) && {
        object[name] = of(value);
        return std::move(*this);
    }
    Json && with(const char * name, Json value) && {
        object[name] = std::move(value);
        return std::move(*this);
    }
};

/** Throws badRequest with the byte where the text stops being JSON. Nesting deeper than 64 is refused. */
Json parse_json(const std::string & text);
/** One line, no blanks; not-a-number and infinities become null, as JSON has no word for them. */
std::string write_json(const Json & value);

/**
 * Reads the members of a request by name. Each getter refuses a wrong type or range by the member's name, and `finish`
 * refuses members that nobody asked for, so that a misspelt setting is never silently ignored.
 */
class Fields {
  public:
    Fields(const Json & object, std::string where);
    bool has(const char * name) const;
    std::string text(const char * name);
    std::string text(const char * name, const std::string & otherwise);
    double number(const char * name, double otherwise, double least, double most);
    int64_t integer(const char * name, int64_t otherwise, int64_t least, int64_t most);
    bool flag(const char * name, bool otherwise);
    const Json * member(const char * name, Json::Kind kind);
    std::vector<std::string> texts(const char * name);
    void finish() const;

  private:
    const Json * find(const char * name);
    [[noreturn]] void refuse(const char * name, const std::string & expected) const;
    const Json & object_;
    std::string where_;
    std::vector<std::string> asked_;
};

} // namespace argot
