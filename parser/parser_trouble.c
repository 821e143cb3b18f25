/* Verdicts on failures; contract in parser_trouble.h. */
#include "parser/parser_trouble.h"

struct parser_verdict parser_trouble_verdict(enum parser_trouble trouble)
{
    static const struct parser_verdict verdicts[TROUBLE_COUNT] = {
        [TROUBLE_BAD_RECORD] = {CODE_BAD_RECORD, true, "bad record"},
        [TROUBLE_BAD_CODING] = {CODE_BAD_RECORD, true, "unknown content_encoding"},
        [TROUBLE_NOT_UNPACKABLE] = {CODE_BAD_RECORD, true, "the body cannot be unpacked"},
        [TROUBLE_BOMB] = {CODE_TOO_LARGE, false, "the body is too large when unpacked"},
        [TROUBLE_RECORD_TOO_LARGE] = {CODE_TOO_LARGE, false, "the article is too large for a message"},
        [TROUBLE_CHILD_DIED] = {CODE_POISON, false, "the page killed the parser's child twice"},
        [TROUBLE_CHILD_HUNG] = {CODE_POISON, false, "the page was not parsed in time, twice"},
    };
    return verdicts[(unsigned)trouble < TROUBLE_COUNT ? trouble : TROUBLE_BAD_RECORD];
}
