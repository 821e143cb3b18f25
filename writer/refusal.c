/* Reasons of refusal; contract in refusal.h. */
#include "writer/refusal.h"

static const struct {
    const char *name, *text;
} infos[REFUSED_COUNT + 1] = {
#define X(name, word, text) [REFUSED_##name] = {word, text},
    REFUSAL_LIST(X)
#undef X
        [REFUSED_NOT] = {"", "it is admitted"},
};

const char *refusal_name(enum refusal refusal)
{
    return infos[(unsigned)refusal < REFUSED_COUNT ? refusal : REFUSED_NOT].name;
}

const char *refusal_text(enum refusal refusal)
{
    return infos[(unsigned)refusal < REFUSED_COUNT ? refusal : REFUSED_NOT].text;
}
