#include "json.h"

#include "fail.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace argot {

Json Json::of(bool value) {
    Json json;
    json.kind = Kind::boolean;
    json.boolean = value;
    return json;
}
Json Json::of(double value) {
    Json json;
    json.kind = Kind::number;
    json.number = value;
    return json;
}
Json Json::of(const std::string & value) {
    Json json;
    json.kind = Kind::string;
    json.string = value;
    return json;
}
Json Json::list() {
    Json json;
    json.kind = Kind::array;
    return json;
}
Json Json::make() {
    Json json;
    json.kind = Kind::object;
    return json;
}

namespace {

constexpr int max_depth = 64;

struct Reader {
    const std::string & text;
    size_t at = 0;

    [[noreturn]] void refuse(const std::string & why) const {
        throw Failure(Problem::badRequest, "not JSON at byte " + std::to_string(at) + ": " + why);
    }
    void skip() {
        while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) at++;
    }
    bool take(char c) {
        skip();
        if (at >= text.size() || text[at] != c) return false;
        at++;
        return true;
    }
    void expect(char c) {
        if (!take(c)) refuse(std::string("expected '") + c + "'");
    }
    bool word(const char * w) {
        const size_t n = std::char_traits<char>::length(w);
        if (text.compare(at, n, w) != 0) return false;
        at += n;
        return true;
    }

    Json value(int depth) {
        if (depth > max_depth) refuse("nested too deep");
        skip();
        if (at >= text.size()) refuse("it ends too early");
        const char c = text[at];
        if (c == '{') return object(depth);
        if (c == '[') return array(depth);
        if (c == '"') return Json::of(string());
        if (word("true")) return Json::of(true);
        if (word("false")) return Json::of(false);
        if (word("null")) return Json();
        return number();
    }

    Json object(int depth) {
        Json json = Json::make();
        expect('{');
        if (take('}')) return json;
        do {
            skip();
            const std::string name = string();
            expect(':');
            json.object[name] = value(depth + 1);
        } while (take(','));
        expect('}');
        return json;
    }

    Json array(int depth) {
        Json json = Json::list();
        expect('[');
        if (take(']')) return json;
        do json.array.push_back(value(depth + 1));
        while (take(','));
        expect(']');
        return json;
    }

    // JSON's grammar is narrower than strtod's: no hexadecimal, no infinities, no leading plus or zeros.
    Json number() {
        const size_t start = at;
        if (at < text.size() && text[at] == '-') at++;
        const size_t digits = at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') at++;
        if (at == digits || (text[digits] == '0' && at - digits > 1)) refuse("expected a value");
        if (at < text.size() && text[at] == '.') {
            at++;
            const size_t fraction = at;
            while (at < text.size() && text[at] >= '0' && text[at] <= '9') at++;
            if (at == fraction) refuse("expected digits");
        }
        if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
            at++;
            if (at < text.size() && (text[at] == '+' || text[at] == '-')) at++;
            const size_t exponent = at;
            while (at < text.size() && text[at] >= '0' && text[at] <= '9') at++;
            if (at == exponent) refuse("expected digits");
        }
        const double value = std::strtod(text.substr(start, at - start).c_str(), nullptr);
        if (!std::isfinite(value)) refuse("the number is too large");
        return Json::of(value);
    }

    unsigned hex4() {
        unsigned code = 0;
        for (int i = 0; i < 4; i++, at++) {
            if (at >= text.size()) refuse("a \\u escape is cut short");
            const char c = text[at];
            const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
            if (digit < 0) refuse("a \\u escape needs four hexadecimal digits");
            code = code * 16 + unsigned(digit);
        }
        return code;
    }

    static void append_utf8(std::string & out, unsigned code) {
        if (code < 0x80) {
            out += char(code);
        } else if (code < 0x800) {
            out += char(0xc0 | (code >> 6));
            out += char(0x80 | (code & 63));
        } else if (code < 0x10000) {
            out += char(0xe0 | (code >> 12));
            out += char(0x80 | ((code >> 6) & 63));
            out += char(0x80 | (code & 63));
        } else {
            out += char(0xf0 | (code >> 18));
            out += char(0x80 | ((code >> 12) & 63));
            out += char(0x80 | ((code >> 6) & 63));
            out += char(0x80 | (code & 63));
        }
    }

    std::string string() {
        if (at >= text.size() || text[at] != '"') refuse("expected a string");
        at++;
        std::string out;
        while (at < text.size() && text[at] != '"') {
            if (static_cast<unsigned char>(text[at]) < 0x20) refuse("a control character in a string");
            if (text[at] != '\\') {
                out += text[at++];
                continue;
            }
            at++;
            if (at >= text.size()) break;
            const char c = text[at++];
            switch (c) {
                case 'n': out += '\n'; break;
                case 't': out += '\t'; break;
                case 'r': out += '\r'; break;
                case 'b': out += '\b'; break;
                case 'f': out += '\f'; break;
                case '"': case '\\': case '/': out += c; break;
                case 'u': {
                    unsigned code = hex4();
                    if (code >= 0xd800 && code < 0xdc00 && text.compare(at, 2, "\\u") == 0) {
                        at += 2;
                        const unsigned low = hex4();
                        if (low < 0xdc00 || low > 0xdfff) refuse("a broken surrogate pair");
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else if (code >= 0xd800 && code < 0xe000) {
                        code = 0xfffd;
                    }
                    append_utf8(out, code);
                    break;
                }
                default: refuse("an unknown escape");
            }
        }
        if (at >= text.size()) refuse("a string is not closed");
        at++;
        return out;
    }
};

void write_string(std::string & out, const std::string & text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    char escape[8];
                    std::snprintf(escape, sizeof escape, "\\u%04x", unsigned(c));
                    out += escape;
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

void write_value(std::string & out, const Json & json) {
    switch (json.kind) {
        case Json::Kind::null: out += "null"; return;
        case Json::Kind::boolean: out += json.boolean ? "true" : "false"; return;
        case Json::Kind::number: {
            if (!std::isfinite(json.number)) {
                out += "null";
                return;
            }
            char digits[40];
            const bool whole = std::fabs(json.number) < 9e15 && json.number == std::floor(json.number);
            std::snprintf(digits, sizeof digits, whole ? "%.0f" : "%.9g", json.number);
            out += digits;
            return;
        }
        case Json::Kind::string: write_string(out, json.string); return;
        case Json::Kind::array: {
            out += '[';
            for (size_t i = 0; i < json.array.size(); i++) {
                if (i > 0) out += ',';
                write_value(out, json.array[i]);
            }
            out += ']';
            return;
        }
        case Json::Kind::object: {
            out += '{';
            bool first = true;
            for (const auto & [name, value] : json.object) {
                if (!first) out += ',';
                first = false;
                write_string(out, name);
                out += ':';
                write_value(out, value);
            }
            out += '}';
            return;
        }
    }
}

} // namespace

Json parse_json(const std::string & text) {
    Reader reader{text};
    Json json = reader.value(0);
    reader.skip();
    if (reader.at != text.size()) reader.refuse("something follows the value");
    return json;
}

std::string write_json(const Json & value) {
    std::string out;
    write_value(out, value);
    return out;
}

Fields::Fields(const Json & object, std::string where) : object_(object), where_(std::move(where)) {
    if (object.kind != Json::Kind::object) throw Failure(Problem::badRequest, where_ + " must be an object");
}

void Fields::refuse(const char * name, const std::string & expected) const {
    throw Failure(Problem::badRequest, where_ + ": “" + name + "” must be " + expected);
}

const Json * Fields::find(const char * name) {
    asked_.push_back(name);
    const auto found = object_.object.find(name);
    return found == object_.object.end() || found->second.kind == Json::Kind::null ? nullptr : &found->second;
}

bool Fields::has(const char * name) const {
    const auto found = object_.object.find(name);
    return found != object_.object.end() && found->second.kind != Json::Kind::null;
}

std::string Fields::text(const char * name) {
    const Json * json = find(name);
    if (!json || json->kind != Json::Kind::string || json->string.empty()) refuse(name, "a text that is not empty");
    return json->string;
}

std::string Fields::text(const char * name, const std::string & otherwise) {
    const Json * json = find(name);
    if (!json) return otherwise;
    if (json->kind != Json::Kind::string) refuse(name, "a text");
    return json->string;
}

double Fields::number(const char * name, double otherwise, double least, double most) {
    const Json * json = find(name);
    if (!json) return otherwise;
    if (json->kind != Json::Kind::number || !(json->number >= least) || !(json->number <= most)) {
        refuse(name, "a number from " + write_json(Json::of(least)) + " to " + write_json(Json::of(most)));
    }
    return json->number;
}

int64_t Fields::integer(const char * name, int64_t otherwise, int64_t least, int64_t most) {
    const double value = number(name, double(otherwise), double(least), double(most));
    if (value != std::floor(value)) refuse(name, "a whole number");
    return int64_t(value);
}

bool Fields::flag(const char * name, bool otherwise) {
    const Json * json = find(name);
    if (!json) return otherwise;
    if (json->kind != Json::Kind::boolean) refuse(name, "true or false");
    return json->boolean;
}

const Json * Fields::member(const char * name, Json::Kind kind) {
    const Json * json = find(name);
    if (json && json->kind != kind) refuse(name, kind == Json::Kind::array ? "a list" : "an object");
    return json;
}

std::vector<std::string> Fields::texts(const char * name) {
    std::vector<std::string> result;
    const Json * json = member(name, Json::Kind::array);
    if (!json) return result;
    for (const Json & item : json->array) {
        if (item.kind != Json::Kind::string) refuse(name, "a list of texts");
        result.push_back(item.string);
    }
    return result;
}

void Fields::finish() const {
    for (const auto & member : object_.object) {
        if (std::find(asked_.begin(), asked_.end(), member.first) == asked_.end()) {
            throw Failure(Problem::badRequest, where_ + ": “" + member.first + "” is not known");
        }
    }
}

} // namespace argot
