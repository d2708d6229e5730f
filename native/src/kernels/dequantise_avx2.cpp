#include "decoders.h"
#include "dequantise.h"

namespace argot {
extern Decoder avx2_decoder(ggml_type type);
Decoder avx2_decoder(ggml_type type) { return find_decoder(type); }
} // namespace argot
