/* HTML to a flat document; contract in load.h. */
#include "parser/extract/load.h"

#include <string.h>
#include <strings.h>

#include <unicode/unorm2.h>
#include <unicode/utf8.h>

#include "base/log.h"
#include "base/mem.h"
#include "parser/extract/entities.h"
#include "parser/extract/opens.h"

#define VALUE_MAX  16384 /* an attribute value is cut here; only inline data is ever longer */
#define TAG_NAME   100   /* bytes of a name; what is longer ends there */
#define NEAR       8     /* bytes that are looked at one by one: much is so short that a call costs more */
#define NODE_BYTES 6     /* of a page with very many nodes; an ordinary one has one in 50. What is not used of the room costs nothing */
#define LONG_TEXT  1000  /* blanks before <body> that are taken for text */

/* What a byte may be; tables are quicker than comparing. */
enum {
    CAN_START = 1, /* a name of an element or attribute */
    IN_NAME = 2,
    BLANK = 4,
    SPECIAL = 8 /* in text: a reference, perhaps a mark on a letter, or no character at all */
};
static uint8_t can[256];

/* Marks above and below letters: U+0300 to U+036F, in UTF-8 two bytes. */
#define MARK_FIRST 0x300
#define MARK_LAST  0x36f
#define MARK_LEAD  0xcc                                    /* the first of both, or the next */
static const UNormalizer2 *nfc;                            /* never NULL: its data are part of ICU */
static uint16_t composed[128][MARK_LAST - MARK_FIRST + 1]; /* ASCII with a mark; 0: there is none */

struct reader {
    const char *begin, *p, *end;
    struct doc *doc;
    struct opens opens;
};

static UChar32 compose_pair(UChar32 letter, uint32_t mark)
{
    UChar32 both = unorm2_composePair(nfc, letter, (UChar32)mark);
    return both < 0 ? 0 : both;
}

static void fill(void)
{
    UErrorCode status = U_ZERO_ERROR;
    nfc = unorm2_getNFCInstance(&status);
    if (U_FAILURE(status)) log_panic("ICU: %s", u_errorName(status));
    for (uint32_t letter = 0; letter < 128; letter++)
        for (uint32_t mark = MARK_FIRST; mark <= MARK_LAST; mark++)
            composed[letter][mark - MARK_FIRST] = (uint16_t)compose_pair((UChar32)letter, mark);
    for (int c = 0; c < 256; c++) {
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', sign = c == '_' || c == ':' || c == '.';
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        bool special = c == '&' || (c < ' ' && !blank) || c == 0xef || c == MARK_LEAD || c == MARK_LEAD + 1;
        can[c] = (uint8_t)((letter || sign ? CAN_START : 0) | (letter || sign || c == '-' || (c >= '0' && c <= '9') ? IN_NAME : 0) |
                           (blank ? BLANK : 0) | (special ? SPECIAL : 0));
    }
}

static bool is(char c, unsigned what)
{
    return can[(unsigned char)c] & what;
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* The byte k after the current one; 0 behind the end, for there is no U+0000. */
static char peek(const struct reader *r, size_t k)
{
    return (size_t)(r->end - r->p) > k ? r->p[k] : '\0';
}

static bool looking_at(const struct reader *r, const char *what)
{
    size_t n = strlen(what);
    return (size_t)(r->end - r->p) >= n && strncasecmp(r->p, what, n) == 0;
}

static const char *find(const char *p, const char *end, char c)
{
    for (int i = 0; i < NEAR; i++, p++)
        if (p >= end || *p == c) return p;
    const char *hit = memchr(p, c, (size_t)(end - p));
    return hit ? hit : end;
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && is(*r->p, BLANK)) r->p++;
}

/* ---- characters ---- */

static bool is_character(uint32_t c)
{
    return (c >= 0x20 && c <= 0xd7ff) || c == '\t' || c == '\n' || c == '\r' || (c >= 0xe000 && c <= 0xfffd) ||
           (c >= 0x10000 && c <= 0x10ffff);
}

/* Reads "&#…"; 0 for what is no character. The semicolon may be missing. */
static const char *numeric(const char *p, const char *end, uint32_t *code_r)
{
    uint32_t code = 0;
    p += 2;
    bool hex = p < end && (*p == 'x' || *p == 'X');
    for (p += hex; p < end && *p != ';'; p++) {
        char c = *p, low = (char)(c | 32);
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (hex && low >= 'a' && low <= 'f')
            digit = (uint32_t)(low - 'a') + 10;
        else
            break;
        if (code < 0x110000) code = code * (hex ? 16 : 10) + digit;
    }
    *code_r = is_character(code) ? code : 0;
    return p + (p < end && *p == ';');
}

/* Reads what begins with &. A name that is not known, or has no semicolon, is text, and so is the & before it: "?a=1&copy=2". */
static const char *reference(const char *p, const char *end, uint32_t *code_r)
{
    if (end - p > 1 && p[1] == '#') return numeric(p, end, code_r);
    const char *q = p + 1;
    while (q < end && q - p <= 9 && is(*q, IN_NAME)) q++;
    *code_r = q < end && *q == ';' ? entity_code(p + 1, (size_t)(q - p - 1)) : 0;
    if (*code_r) return q + 1;
    *code_r = '&';
    return p + 1;
}

/* The character that these two make. */
static uint32_t two_bytes(const char *p)
{
    return ((uint32_t)p[0] & 0x1f) << 6 | ((uint32_t)p[1] & 0x3f);
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* Puts c; a mark becomes part of the letter before it, where one character is both. Some editors write "u" and two dots, which looks like the one
 * character that others write, but no search finds it. That makes Unicode's form NFC (UAX #15), unless marks are not in its
 * order. Never longer than both apart. */
static char *put_composed(char *start, char *out, uint32_t c)
{
    if (c < MARK_FIRST || c > MARK_LAST || out == start) return put_utf8(out, c);
    int32_t at = (int32_t)(out - start);
    UChar32 letter, both;
    U8_PREV_UNSAFE(start, at, letter);
    both = letter < 128 ? composed[letter][c - MARK_FIRST] : compose_pair(letter, c);
    return both ? put_utf8(start + at, (uint32_t)both) : put_utf8(out, c);
}

static bool is_mark_lead(char c)
{
    return (unsigned char)c == MARK_LEAD || (unsigned char)c == MARK_LEAD + 1;
}

/* Copies text without what is no character: controls, U+FFFE and U+FFFF. With references, they are decoded; none grows by it. */
static char *copy_text(char *out, const char *p, const char *end, bool references)
{
    char *start = out;
    while (p < end) {
        const char *from = p;
        while (p < end && !is(*p, SPECIAL)) p++;
        memcpy(out, from, (size_t)(p - from));
        out += p - from;
        if (p == end) break;
        if (*p == '&' && references) {
            uint32_t code;
            p = reference(p, end, &code);
            if (code) out = put_composed(start, out, code);
        } else if (is_mark_lead(*p)) {
            out = put_composed(start, out, two_bytes(p));
            p += 2;
        } else if (*p == '&') {
            *out++ = *p++;
        } else if (*p == '\xef') {
            if (p[1] != '\xbf' || (unsigned char)p[2] < 0xbe) memcpy(out, p, 3), out += 3;
            p += 3;
        } else {
            p++;
        }
    }
    return out;
}

/* Adds a text to the current element, or to its last text if nothing was in between. */
static void add_text(struct reader *r, const char *from, const char *to, bool references)
{
    struct doc *d = r->doc;
    if (from == to || !buf_reserve(&d->texts, (size_t)(to - from))) return;
    char *start = d->texts.data + d->texts.len;
    size_t n = (size_t)(copy_text(start, from, to, references) - start);
    if (n == 0) return;
    start[n] = '\0';
    struct node *last = &d->nodes[d->count - 1];
    if (last->tag != TAG_TEXT || last->parent != r->opens.current)
        last = doc_add_node(d, r->opens.current, TAG_TEXT, (uint32_t)d->texts.len);
    d->texts.len += n;
    size_t all = d->texts.len - last->at;
    last->n = (uint16_t)(all < NODE_LONG ? all : NODE_LONG);
}

/* Before <body> white space stands for nothing, but anything else opens a paragraph. */
static void text_outside(struct reader *r, const char *stop)
{
    while (r->p < stop && opens_need_paragraph(opens_top(&r->opens))) {
        const char *part = find(r->p, stop, '&');
        if (part == r->p) {
            uint32_t code;
            const char *next = reference(r->p, stop, &code);
            if (!code)
                r->p = next;
            else
                opens_paragraph(&r->opens);
            continue;
        }
        size_t characters = 0, blanks = 0;
        for (const char *p = r->p; p < part; p++) {
            if (*p == '\xef' && p[1] == '\xbf' && (unsigned char)p[2] >= 0xbe) {
                p += 2;
                continue;
            }
            characters += !is(*p, SPECIAL) || *p & 0x80;
            blanks += is(*p, BLANK);
        }
        if (blanks < characters || characters >= LONG_TEXT || (characters && part < stop)) {
            opens_paragraph(&r->opens);
        } else {
            add_text(r, r->p, part, false);
            r->p = part;
        }
    }
}

static void read_text(struct reader *r)
{
    const char *stop = find(r->p, r->end, '<');
    if (opens_need_paragraph(opens_top(&r->opens))) text_outside(r, stop);
    add_text(r, r->p, stop, true);
    r->p = stop;
}

/* ---- tags ---- */

/* Reads a name into lower case; 0 if none begins here. */
static size_t read_name(struct reader *r, char name_r[TAG_NAME])
{
    size_t n = 0;
    if (r->p == r->end || !is(*r->p, CAN_START)) return 0;
    while (n < TAG_NAME && r->p < r->end && is(*r->p, IN_NAME)) {
        char c = *r->p++;
        name_r[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return n;
}

static size_t utf8_back(const char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) n--;
    return n;
}

/* Composes the value of an attribute in place; its new length. */
static size_t compose(char *s, size_t n)
{
    char *out = s;
    for (const char *p = s; p < s + n;) {
        if (is_mark_lead(*p)) {
            out = put_composed(s, out, two_bytes(p));
            p += 2;
        } else {
            *out++ = *p++;
        }
    }
    *out = '\0';
    return (size_t)(out - s);
}

static void add_attribute(struct reader *r, struct node *node, enum attr_name name, struct span raw)
{
    struct doc *d = r->doc;
    if (!buf_reserve(&d->values, raw.n + 4)) return;
    char *start = d->values.data + d->values.len, *out = start;
    for (const char *p = raw.p, *end = raw.p + raw.n; p < end;) {
        const char *from = p;
        p = find(p, end, '&');
        memcpy(out, from, (size_t)(p - from));
        out += p - from;
        uint32_t code;
        if (p == end) break;
        p = reference(p, end, &code);
        if (!code) break; /* stands for U+0000, which ends a value */
        out = put_utf8(out, code);
    }
    size_t n = (size_t)(out - start);
    *out = '\0';
    if (name == ATTR_content || name == ATTR_alt || name == ATTR_title) n = compose(start, n);
    if (n > VALUE_MAX) {
        if (name == ATTR_src || name == ATTR_data_src || name == ATTR_href) return;
        n = utf8_back(start, VALUE_MAX);
        start[n] = '\0';
    }
    d->attrs = mem_grow(d->attrs, &d->attr_cap, d->attr_count + 1, sizeof *d->attrs);
    d->attrs[d->attr_count++] = (struct attr){.at = (uint32_t)d->values.len, .n = (uint16_t)n, .name = (uint8_t)name};
    d->values.len += n;
    if (node->n++ == 0) doc_note(d);
}

/* Reads the value after "=", if there is one. */
static struct span read_value(struct reader *r)
{
    skip_blanks(r);
    if (peek(r, 0) != '=') return span_of("", 0);
    r->p++;
    skip_blanks(r);
    char quote = peek(r, 0);
    const char *from = r->p;
    if (quote == '"' || quote == '\'') {
        from++;
        const char *to = find(from, r->end, quote);
        r->p = to + (to < r->end);
        return span_of(from, (size_t)(to - from));
    }
    while (r->p < r->end && *r->p != '>' && !is(*r->p, BLANK)) r->p++;
    return span_of(from, (size_t)(r->p - from));
}

static bool at_tag_end(const struct reader *r)
{
    return r->p == r->end || *r->p == '>' || (*r->p == '/' && peek(r, 1) == '>');
}

/* Reads up to the ">" or "/>" of a start tag. The first attribute of a name counts. */
static void read_attributes(struct reader *r, uint32_t node)
{
    uint32_t seen = 0;
    char text[TAG_NAME + 1];
    for (skip_blanks(r); !at_tag_end(r); skip_blanks(r)) {
        size_t n = read_name(r, text);
        if (n == 0) { /* no name: up to the next blank */
            while (!at_tag_end(r) && !is(*r->p, BLANK)) r->p++;
            continue;
        }
        text[n] = '\0';
        struct span value = read_value(r);
        enum attr_name name = doc_attr_name(text);
        if (node == NODE_NONE || name == ATTR_COUNT || seen & 1u << name) continue;
        seen |= 1u << name;
        add_attribute(r, &r->doc->nodes[node], name, value);
    }
}

/* Is this the tag of a link? */
static bool has_href(const struct reader *r)
{
    return span_has(span_of(r->p, (size_t)(find(r->p, r->end, '>') - r->p)), "href");
}

static void read_start_tag(struct reader *r)
{
    char text[TAG_NAME];
    uint32_t node = NODE_NONE;
    r->p++;
    size_t n = read_name(r, text);
    struct tag_name name = opens_name(text, n);
    const char *dot = name.tag == TAG_OTHER || name.tag == TAG_CUSTOM ? memchr(text, '.', n) : NULL;
    if (dot) opens_close_for(&r->opens, doc_tag(text, (size_t)(dot - text))); /* what it ends goes by its name up to a dot */
    bool is_link = name.tag == TAG_a && opens_is_crowded(&r->opens) && has_href(r);
    opens_start(&r->opens, name, is_link, &node);
    read_attributes(r, node);
    bool closed = peek(r, 0) == '/';
    if (r->p < r->end) r->p += closed ? 2 : 1;
    /* An ignored tag that is closed in itself closes what it stands in. */
    if (closed || doc_tag_flags(opens_top(&r->opens)) & TAGF_VOID) opens_pop(&r->opens);
}

static void read_end_tag(struct reader *r)
{
    char text[TAG_NAME];
    r->p += 2;
    size_t n = read_name(r, text);
    if (n == 0) return;
    const char *close = find(r->p, r->end, '>');
    r->p = close + (close < r->end);
    opens_end(&r->opens, opens_name(text, n));
}

/* ---- what is no element ---- */

/* A script ends where <noscript> follows at once, a style where <body> does. */
static bool raw_ends_here(struct reader *r)
{
    char text[TAG_NAME];
    size_t before = r->opens.count;
    const char *start = r->p;
    if (*r->p != '<' || !is_letter(peek(r, 1))) return false;
    r->p++;
    opens_close_for(&r->opens, opens_name(text, read_name(r, text)).tag);
    r->p = start;
    return r->opens.count < before;
}

/* Script and style: raw text up to their end tag. Only structured data is kept. */
static void read_raw(struct reader *r)
{
    if (raw_ends_here(r)) return;
    const char *name = doc_tag_name(opens_top(&r->opens)), *p = r->p;
    size_t n = strlen(name);
    for (;; p++) {
        p = find(p, r->end, '<');
        if (p == r->end || ((size_t)(r->end - p) >= n + 2 && p[1] == '/' && strncasecmp(p + 2, name, n) == 0)) break;
    }
    bool kept = opens_top(&r->opens) == TAG_script && span_has(doc_attr(r->doc, r->opens.current, ATTR_type), "ld+json");
    if (kept) add_text(r, r->p, p, false);
    r->p = p;
}

/* Up to "-->" or "--!>"; without either, up to the end of the page. */
static void skip_comment(struct reader *r)
{
    const char *start = r->p + 4, *p = start;
    for (; (p = find(p, r->end, '>')) < r->end; p++) {
        if (p - start >= 2 && p[-1] == '-' && p[-2] == '-') break;
        if (p - start >= 3 && p[-1] == '!' && p[-2] == '-' && p[-3] == '-') break;
    }
    r->p = p + (p < r->end);
}

/* A name as XML has it: that of a processing instruction or a document type. One that nothing follows is none. */
static bool skip_xml_name(struct reader *r)
{
    const char *p = r->p;
    if (p == r->end || !is(*p, CAN_START) || *p == '.') return false;
    while (p < r->end && (*p < 0 || is(*p, IN_NAME))) p++;
    if (p == r->end) return false;
    r->p = p;
    return true;
}

static void skip_past_gt(struct reader *r)
{
    const char *p = find(r->p, r->end, '>');
    r->p = p + (p < r->end);
}

static void skip_instruction(struct reader *r)
{
    r->p += 2;
    if (skip_xml_name(r)) skip_past_gt(r);
}

static bool skip_literal(struct reader *r)
{
    char quote = peek(r, 0);
    if (quote != '"' && quote != '\'') return false;
    const char *p = find(r->p + 1, r->end, quote);
    r->p = p + (p < r->end);
    return true;
}

static void skip_doctype(struct reader *r)
{
    r->p += strlen("<!doctype");
    skip_blanks(r);
    skip_xml_name(r);
    skip_blanks(r);
    bool is_public = looking_at(r, "public");
    if (is_public || looking_at(r, "system")) {
        r->p += strlen("public");
        skip_blanks(r);
        skip_literal(r);
        skip_blanks(r);
        if (is_public) skip_literal(r);
    }
    skip_past_gt(r);
}

/* ---- the page ---- */

static void skip_misc(struct reader *r)
{
    for (skip_blanks(r); looking_at(r, "<!--") || looking_at(r, "<?"); skip_blanks(r)) {
        if (peek(r, 1) == '?')
            skip_instruction(r);
        else
            skip_comment(r);
    }
}

static void read_some(struct reader *r)
{
    char next = peek(r, 1);
    r->opens.read = (size_t)(r->p - r->begin);
    if (*r->p == '<' && next == '/') {
        read_end_tag(r);
        return;
    }
    enum tag top = opens_top(&r->opens);
    if (top == TAG_script || top == TAG_style) {
        read_raw(r);
        return;
    }
    if (next == '!' && looking_at(r, "<!doctype")) {
        skip_doctype(r);
        if (r->p == r->end) return;
        next = peek(r, 1);
    }
    if (*r->p != '<') {
        read_text(r);
    } else if (is_letter(next)) {
        read_start_tag(r);
    } else if (next == '!' && looking_at(r, "<!--")) {
        skip_comment(r);
    } else if (next == '?') {
        skip_instruction(r);
    } else { /* a sign, with the text that follows if that may stand here */
        const char *stop = opens_need_paragraph(top) ? r->p + 1 : find(r->p + 1, r->end, '<');
        add_text(r, r->p, stop, true);
        r->p = stop;
    }
}

void load_html(struct doc *d, const char *utf8, size_t n)
{
    struct reader r = {.begin = utf8, .p = utf8, .end = utf8 + n, .doc = d};
    if (n == 0) return;
    if (!can['a']) fill();
    doc_reserve(d, n / NODE_BYTES + 16);
    opens_init(&r.opens, d);
    if (n >= 4 && memcmp(utf8, "\xef\xbb\xbf", 3) == 0) r.p += 3;
    skip_misc(&r);
    if (looking_at(&r, "<!doctype")) skip_doctype(&r);
    skip_misc(&r);
    while (r.p < r.end) read_some(&r);
    opens_finish(&r.opens);
}
