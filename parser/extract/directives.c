/* Robots directives; contract in directives.h. */
#include "parser/extract/directives.h"

#include <ctype.h>
#include <string.h>

#include "parser/extract/date.h"

#define EXPIRY_MAX 80 /* bytes of unavailable_after with its date: of a longer one only so much is read, or many would cost much */

bool directives_for_us(const struct directives *d, struct span name)
{
    return span_is(name, "robots") || span_is(name, d->agent ? d->agent : DIRECTIVES_AGENT);
}

static void ask(struct directives *d, bool noindex, bool nofollow)
{
    d->noindex |= noindex && !d->ignore_noindex;
    d->nofollow |= nofollow && !d->ignore_nofollow;
}

/* People also divide by blanks. */
static void apply_words(struct directives *d, struct span s)
{
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        while (i < s.n && !isspace((unsigned char)s.p[i])) i++;
        struct span word = span_of(s.p + from, i - from);
        bool none = span_is(word, "none");
        ask(d, none || span_is(word, "noindex"), none || span_is(word, "nofollow"));
        while (i < s.n && isspace((unsigned char)s.p[i])) i++;
    }
}

/* The robot's name before a colon, or nothing: directives may have values, and values of dates have colons, too. */
static struct span robot_of(struct span s)
{
    static const char *const valued[] = {"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"};
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
    struct span name = colon ? span_trim(span_of(s.p, (size_t)(colon - s.p))) : span_of(NULL, 0);
    for (size_t i = 0; i < name.n; i++)
        if (isspace((unsigned char)name.p[i])) return span_of(NULL, 0);
    for (size_t i = 0; i < sizeof valued / sizeof *valued; i++)
        if (span_is(name, valued[i])) return span_of(NULL, 0);
    return name;
}

static struct span after_colon(struct span s)
{
    const char *p = memchr(s.p, ':', s.n);
    return p ? span_trim(span_of(p + 1, s.n - (size_t)(p + 1 - s.p))) : span_of(NULL, 0);
}

/* A date may have commas in it: it is read from here on, whatever follows. */
static void apply_expiry(struct directives *d, struct span rest)
{
    int64_t moment;
    if (rest.n > EXPIRY_MAX) rest.n = EXPIRY_MAX;
    if (d->now && rest.n && date_moment(after_colon(rest), &moment) && moment < d->now) ask(d, true, false);
}

static void apply_line(struct directives *d, struct span line)
{
    bool ours = true;
    for (size_t i = 0; i < line.n; i++) {
        size_t from = i;
        while (i < line.n && line.p[i] != ',' && line.p[i] != ';') i++;
        struct span part = span_trim(span_of(line.p + from, i - from)), robot = robot_of(part);
        if (robot.n) {
            ours = span_is(robot, "*") || directives_for_us(d, robot);
            part = after_colon(part);
        }
        if (ours && span_starts(part, "unavailable_after"))
            apply_expiry(d, span_of(part.p, line.n - (size_t)(part.p - line.p)));
        else if (ours)
            apply_words(d, part);
    }
}

void directives_apply(struct directives *d, struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        size_t from = i;
        while (i < value.n && value.p[i] != '\n') i++;
        apply_line(d, span_of(value.p + from, i - from));
    }
}
