/* Outcome codes; contract in codes.h. */
#include "line/codes.h"

#include <string.h>

struct code_info {
    const char *name;
    const char *text;
    enum verdict verdict;
    enum page_state state;
};

static const struct code_info infos[CODE_COUNT] = {
#define X(name, verdict, state, text) [CODE_##name] = {#name, text, VERDICT_##verdict, STATE_##state},
    CODE_LIST(X)
#undef X
};

static const struct code_info *info_of(enum code code)
{
    static const struct code_info unknown = {"?", "?", VERDICT_REJECT, STATE_ERROR};
    return (unsigned)code < CODE_COUNT ? &infos[code] : &unknown;
}

const char *code_name(enum code code)
{
    return info_of(code)->name;
}

const char *code_text(enum code code)
{
    return info_of(code)->text;
}

enum verdict code_verdict(enum code code)
{
    return info_of(code)->verdict;
}

enum page_state code_state(enum code code)
{
    return info_of(code)->state;
}

bool code_parse(const char *name, enum code *code_r)
{
    for (int i = 0; i < CODE_COUNT; i++) {
        if (strcmp(name, infos[i].name) != 0) continue;
        *code_r = (enum code)i;
        return true;
    }
    return false;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"done", "retry", "reject"};
    return (unsigned)verdict < sizeof names / sizeof *names ? names[verdict] : "?";
}

const char *state_name(enum page_state state)
{
    static const char *const names[] = {"registered", "scheduled", "stored", "skipped", "error", "cancelled"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "?";
}
