// CLD2 speaks C++ only; contract in language.h.
#include "parser/language.h"

#include <cstdio> // the next header needs it and does not say so
#include <cstring>

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

extern "C" const char *language_detect(const char *utf8, size_t n)
{
    const size_t enough = 2048; // more text does not change the answer
    bool reliable = false;
    int valid = 0, percent[3], text_bytes = 0;
    double scores[3];
    CLD2::Language top[3];
    CLD2::CLDHints hints = {nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
    if (n > enough) {
        n = enough;
        while (n > 0 && (static_cast<unsigned char>(utf8[n]) & 0xc0) == 0x80) n--;
    }
    CLD2::Language language = CLD2::ExtDetectLanguageSummaryCheckUTF8(utf8, static_cast<int>(n), true, &hints, 0, top, percent, scores,
                                                                      nullptr, &text_bytes, &reliable, &valid);
    if (!reliable || language == CLD2::UNKNOWN_LANGUAGE) return nullptr;
    const char *code = CLD2::LanguageCode(language);
    return std::strcmp(code, "un") == 0 ? nullptr : code;
}
