/* Blocks and sentences; contract in gist_text.h. */
#include "summarizer/gist_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "line/limits.h"

#define WRAP_MIN     40     /* a line shorter than this was not broken to fit a width, in bytes … */
#define WRAP_MAX     120    /* … nor one longer than this */
#define SENTENCE_MIN 20     /* shorter ones say too little, in bytes */
#define SENTENCE_MAX 1000   /* longer ones are no sentences but lists run together, in bytes */
#define SHAPED_MAX   300    /* of a heading of several lines, in bytes: what is looked at, so that time stays linear */
#define LETTERS_MIN  0.72   /* share of letters in prose, blanks not counted */
#define CODE_SYMBOLS 0.09   /* share of symbols that makes a block code */
#define TABLE_DIGITS 0.40   /* share of digits that makes a block a table */
#define DOT_WORD     40     /* bytes looked at before a full stop */
#define CJK_FIRST    0x2e80 /* from here on scripts without case and blanks between words */

/* ---- lines ---- */

struct line {
    const char *s;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Takes the next line off the text, without blanks around it; false at the end. */
static bool line_next(const char **p, const char *end, struct line *line_r)
{
    if (*p >= end) return false;
    const char *stop = memchr(*p, '\n', (size_t)(end - *p));
    const char *last = stop ? stop : end, *first = *p;
    *p = stop ? stop + 1 : end;
    while (first < last && is_blank(*first)) first++;
    while (last > first && is_blank(last[-1])) last--;
    line_r->s = first;
    line_r->n = (size_t)(last - first);
    return true;
}

static size_t digits_at(const struct line *line, size_t at)
{
    size_t n = 0;
    while (at + n < line->n && line->s[at + n] >= '0' && line->s[at + n] <= '9') n++;
    return n;
}

static bool is_item(const struct line *line)
{
    static const char *const bullets[] = {"- ", "* ", "+ ", "•", "‣", "▪", "●", "○", "■", "◦", "· "};
    for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++) {
        size_t n = strlen(bullets[i]);
        if (line->n >= n && memcmp(line->s, bullets[i], n) == 0) return true;
    }
    size_t d = digits_at(line, 0);
    return d > 0 && d < 4 && d + 1 < line->n && (line->s[d] == '.' || line->s[d] == ')') && line->s[d + 1] == ' ';
}

/* "Figure 3: …", "Foto: …", "Abb. 2. …" */
static bool is_caption(const struct line *line)
{
    static const char *const labels[] = {
        "Figure",  "Fig.",     "Table", "Photo",   "Photograph", "Image",   "Picture", "Credit", "Caption", "Listing", "Abbildung",
        "Abb.",    "Tabelle",  "Foto",  "Bild",    "Grafik",     "Tableau", "Figura",  "Tabla",  "Imagen",  "Imagem",  "Tabela",
        "Tabella", "Immagine", "Рис.",  "Рисунок", "Фото",       "Таблица", "Таблиця", "图",     "表",      "図",      "写真"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        size_t n = strlen(labels[i]);
        if (line->n <= n || strncasecmp(line->s, labels[i], n) != 0) continue;
        if (n < line->n && line->s[n] == ' ') n++;
        size_t d = digits_at(line, n);
        n += d;
        if (n < line->n && (line->s[n] == ':' || (d && line->s[n] == '.'))) return true;
        if (n + 3 <= line->n && memcmp(line->s + n, "：", 3) == 0) return true;
    }
    return false;
}

static bool starts_lower(const char *s, size_t n)
{
    UChar32 c;
    int32_t i = 0;
    if (n == 0) return false;
    U8_NEXT((const uint8_t *)s, i, (int32_t)n, c);
    return u_islower(c);
}

/* Was the line broken only to fit a width, so that the next one goes on with it? */
static bool goes_on(const struct line *line, const struct line *next)
{
    if (line->n == 0 || line->s[line->n - 1] == ':') return false;
    return starts_lower(next->s, next->n) || (line->n >= WRAP_MIN && line->n <= WRAP_MAX);
}

/* ---- what a piece of text is made of ---- */

struct census {
    size_t letters, digits, symbols, others; /* blanks not counted */
    bool cells;                              /* tabs or bars between words */
};

enum ascii { ASCII_OTHER, ASCII_LETTER, ASCII_DIGIT, ASCII_SYMBOL, ASCII_BLANK, ASCII_CLASSES };

static unsigned char ascii_classes[128];

static void ascii_init(void)
{
    static const char symbols[] = "{}<>=;|\\_$#@&^~`+*/";
    if (ascii_classes[' ']) return;
    for (int c = 'a'; c <= 'z'; c++) ascii_classes[c] = ascii_classes[c - 32] = ASCII_LETTER;
    for (int c = '0'; c <= '9'; c++) ascii_classes[c] = ASCII_DIGIT;
    for (const char *p = symbols; *p; p++) ascii_classes[(unsigned char)*p] = ASCII_SYMBOL;
    for (int c = 0; c < 128; c++)
        if (is_blank((char)c)) ascii_classes[c] = ASCII_BLANK;
}

static void census_take(struct census *c, const char *s, size_t n)
{
    size_t ascii[ASCII_CLASSES] = {0};
    for (int32_t i = 0; i < (int32_t)n;) {
        if ((unsigned char)s[i] < 0x80) {
            ascii[ascii_classes[(unsigned char)s[i++]]]++;
            continue;
        }
        UChar32 u;
        U8_NEXT((const uint8_t *)s, i, (int32_t)n, u);
        if (U_GET_GC_MASK(u) & (U_GC_L_MASK | U_GC_M_MASK))
            c->letters++;
        else
            c->others++;
    }
    c->letters += ascii[ASCII_LETTER];
    c->digits += ascii[ASCII_DIGIT];
    c->symbols += ascii[ASCII_SYMBOL];
    c->others += ascii[ASCII_OTHER];
}

static size_t census_sum(const struct census *c)
{
    return c->letters + c->digits + c->symbols + c->others;
}

static bool census_is_prose(const struct census *c)
{
    double sum = (double)census_sum(c);
    return !c->cells && (double)c->symbols <= CODE_SYMBOLS * sum && (double)c->digits <= TABLE_DIGITS * sum;
}

/* ---- blocks ---- */

struct builder {
    struct gist_text *t;
    struct line last;     /* of the open block */
    struct census census; /* of the open block */
    bool open, prose;
    bool shaped;           /* its last line is known to be no prose */
    const char *shaped_to; /* nor is what is before this: a heading of several lines */
    size_t start;
};

static void block_close(struct builder *b)
{
    struct gist_text *t = b->t;
    if (!b->open) return;
    t->blocks = mem_grow(t->blocks, &t->block_cap, t->block_count + 1, sizeof *t->blocks);
    t->blocks[t->block_count++] =
        (struct gist_block){.start = (uint32_t)b->start, .end = (uint32_t)t->clean.len, .prose = b->prose && census_is_prose(&b->census)};
    buf_add_char(&t->clean, '\n');
    b->open = false;
}

/* Adds a line with its blanks collapsed. */
static void line_add(struct builder *b, const struct line *line)
{
    const char *p = line->s, *end = line->s + line->n;
    while (p < end) {
        const char *stop = p;
        while (stop < end && !is_blank(*stop)) stop++;
        buf_add(&b->t->clean, p, (size_t)(stop - p));
        for (p = stop; p < end && is_blank(*p); p++) b->census.cells |= *p == '\t';
        if (p < end) buf_add_char(&b->t->clean, ' ');
        b->census.cells |= p + 1 < end && *p == '|' && is_blank(p[1]);
    }
    census_take(&b->census, line->s, line->n);
}

/* Is the line known to be no prose, alone or as the first of a block that is one line of Markdown? */
static bool is_shaped(struct builder *b, const struct line *line, const char *end)
{
    const struct gist_shape *shape = &b->t->shape;
    if (!shape->count || line->n == 0) return false;
    if (b->shaped_to && line->s < b->shaped_to) return true;
    if (gist_shape_has(shape, line->s, line->n)) return true;
    if (b->last.n > 0) return false;
    size_t reach = (size_t)(end - line->s) < SHAPED_MAX ? (size_t)(end - line->s) : SHAPED_MAX;
    const char *stop = memmem(line->s, reach, "\n\n", 2);
    if (!stop) stop = line->s + reach;
    if (gist_shape_has(shape, line->s, (size_t)(stop - line->s))) b->shaped_to = stop;
    return b->shaped_to && line->s < b->shaped_to;
}

static void build(struct builder *b, const char *text, size_t n)
{
    const char *p = text, *end = text + n;
    struct line line;
    while (line_next(&p, end, &line)) {
        bool shaped = is_shaped(b, &line, end);
        bool item = shaped || is_item(&line);
        if (line.n == 0 || item || b->shaped) block_close(b);
        b->shaped = shaped;
        if (line.n == 0) {
            b->last = line;
            continue;
        }
        if (b->open) {
            buf_add_char(&b->t->clean, goes_on(&b->last, &line) ? ' ' : '\n');
        } else {
            b->open = true;
            b->start = b->t->clean.len;
            b->census = (struct census){.letters = 0};
            b->prose = !item && !is_caption(&line);
        }
        line_add(b, &line);
        b->last = line;
    }
    block_close(b);
}

/* ---- sentences ---- */

/* The text in UTF-16, with the way back. */
static size_t widen(struct gist_text *t)
{
    const char *s = buf_str(&t->clean);
    size_t out = 0;
    t->units = mem_grow(t->units, &t->units_cap, t->clean.len + 1, sizeof *t->units);
    t->offsets = mem_grow(t->offsets, &t->offsets_cap, t->clean.len + 1, sizeof *t->offsets);
    for (int32_t i = 0; i < (int32_t)t->clean.len;) {
        UChar32 c;
        uint32_t at = (uint32_t)i;
        U8_NEXT((const uint8_t *)s, i, (int32_t)t->clean.len, c);
        if (c < 0) c = 0xfffd;
        for (int k = 0; k < U16_LENGTH(c); k++) {
            t->offsets[out] = at;
            if (c == 0x2026) c = '.'; /* ICU does not know that an ellipsis may end a sentence */
            t->units[out++] = c < 0x10000 ? (UChar)c : k ? U16_TRAIL(c) : U16_LEAD(c);
        }
    }
    t->offsets[out] = (uint32_t)t->clean.len;
    return out;
}

static bool starts_upper(const char *s, size_t n)
{
    UChar32 c;
    int32_t i = 0;
    if (n == 0) return false;
    U8_NEXT((const uint8_t *)s, i, (int32_t)n, c);
    return u_isupper(c);
}

static bool ends_with(const char *s, size_t n, const char *what)
{
    size_t m = strlen(what);
    return n >= m && memcmp(s + n - m, what, m) == 0;
}

/* "[…] more of the same quotation" */
static bool is_omission(const char *s, size_t n)
{
    static const char *const marks[] = {"[…]", "(…)", "[...]", "(...)"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (ends_with(s, n, marks[i])) return true;
    return false;
}

/* Chinese and Japanese have neither blanks nor capitals to tell: a bracket that was opened within the sentence is part of it, and
 * words in quotes go on with a particle (「行こう。」と言った). */
static bool goes_on_unspaced(const char *s, size_t n, const char *next, size_t left)
{
    static const char *const particles[] = {"と", "っ", "は", "が", "を", "に", "の", "も", "で", "な"};
    UChar32 c;
    int32_t i = 0, at = (int32_t)n;
    U8_NEXT((const uint8_t *)next, i, (int32_t)left, c);
    if (c < CJK_FIRST) return false;
    U8_PREV((const uint8_t *)s, 0, at, c);
    if (c == ')' || c == 0xff09) return s[0] != '(' && memcmp(s, "（", 3) != 0;
    if (!(U_GET_GC_MASK(c) & (U_GC_PE_MASK | U_GC_PF_MASK))) return false;
    for (size_t k = 0; k < sizeof particles / sizeof *particles; k++)
        if (left >= 3 && memcmp(next, particles[k], 3) == 0) return true;
    return false;
}

/* Does the sentence go on after the end ICU sees before `end` (blanks taken off)? next is what follows. */
static bool is_false_end(const struct gist_lang *lang, const char *s, size_t start, size_t end, const char *next, size_t left)
{
    if (end <= start) return true;
    if (starts_lower(next, left)) return true; /* "Why?" she asked */
    if (is_omission(s + start, end - start) || goes_on_unspaced(s + start, end - start, next, left)) return true;
    if (s[end - 1] != '.') return false;
    size_t to = end - 1, from = to;
    while (from > start && to - from < DOT_WORD && !is_blank(s[from - 1]) && !strchr("(\"'", s[from - 1])) from--;
    if (to > start && s[to - 1] == '.') return false; /* an ellipsis */
    switch (gist_lang_dot(lang, s + from, to - from)) {
    case GIST_DOT_ABBR: return true;
    case GIST_DOT_MAY: return !(starts_upper(next, left) && gist_lang_starts_with_stop(lang, next, left));
    case GIST_DOT_NUMBER: return left > 0 && *next >= '0' && *next <= '9';
    case GIST_DOT_ENDS: break;
    }
    return false;
}

/* « Vraiment ? » dit-il: bytes of the closing mark at s + at, where « stands open since start; 0 if there is none. */
static size_t guillemet_at(const char *s, size_t start, size_t at, size_t n)
{
    static const char open[] = "«", close[] = "»";
    const size_t width = sizeof close - 1;
    if (at + width > n || memcmp(s + at, close, width) != 0) return 0;
    for (size_t i = at; i >= start + width; i--) {
        if (memcmp(s + i - width, close, width) == 0) return 0;
        if (memcmp(s + i - width, open, width) == 0) return width;
    }
    return 0;
}

/* Length of a reference mark like [12] at s. */
static size_t mark_at(const char *s, size_t n)
{
    size_t i = 1;
    if (n < 3 || *s != '[') return 0;
    while (i < n && i < 5 && s[i] >= '0' && s[i] <= '9') i++;
    return i > 1 && i < n && s[i] == ']' ? i + 1 : 0;
}

/* Length of a reference mark that ends s. */
static size_t mark_before(const char *s, size_t n)
{
    size_t i = n;
    if (n < 3 || s[n - 1] != ']') return 0;
    while (i > 0 && n - i < 6 && s[i - 1] != '[') i--;
    return i > 0 && mark_at(s + i - 1, n - i + 1) == n - i + 1 ? n - i + 1 : 0;
}

/* Ends the piece like a sentence, closing quotes and brackets aside? */
static bool has_end(const char *s, size_t n)
{
    UChar32 c = 0;
    for (int32_t i = (int32_t)n; i > 0;) {
        U8_PREV((const uint8_t *)s, 0, i, c);
        if (c == ' ' || c == '"' || c == '\'' || (U_GET_GC_MASK(c) & (U_GC_PE_MASK | U_GC_PF_MASK | U_GC_PI_MASK))) continue;
        break;
    }
    return u_hasBinaryProperty(c, UCHAR_S_TERM) || c == 0x2026;
}

static bool is_fit(const char *s, size_t n)
{
    struct census c = {.letters = 0};
    if (n < SENTENCE_MIN || n > SENTENCE_MAX || !has_end(s, n) || starts_lower(s, n)) return false;
    census_take(&c, s, n);
    return (double)c.letters >= LETTERS_MIN * (double)census_sum(&c) && census_is_prose(&c);
}

static void sentence_add(struct gist_text *t, size_t start, size_t end, size_t *block)
{
    const char *s = buf_str(&t->clean);
    while (start < end && is_blank(s[start])) start++;
    for (size_t mark = 1; mark;) {
        while (end > start && is_blank(s[end - 1])) end--;
        mark = mark_before(s + start, end - start);
        end -= mark;
    }
    if (start == end) return;
    while (*block + 1 < t->block_count && t->blocks[*block].end <= start) ++*block;
    bool fit = t->blocks[*block].prose && is_fit(s + start, end - start);
    t->items = mem_grow(t->items, &t->cap, t->count + 1, sizeof *t->items);
    t->items[t->count++] = (struct gist_sentence){.start = (uint32_t)start, .end = (uint32_t)end, .block = (uint32_t)*block, .fit = fit};
    t->fit_count += fit;
}

static void cut(struct gist_text *t, const struct gist_lang *lang, size_t units)
{
    const char *s = buf_str(&t->clean);
    UErrorCode status = U_ZERO_ERROR;
    size_t start = 0, block = 0, n = t->clean.len;
    ubrk_setText(lang->breaks, t->units, (int32_t)units, &status);
    if (U_FAILURE(status)) log_panic("ICU does not take a text: %s", u_errorName(status));
    for (int32_t at = ubrk_next(lang->breaks); at != UBRK_DONE; at = ubrk_next(lang->breaks)) {
        size_t stop = t->offsets[at], end = stop;
        if (stop <= start) continue;
        if (s[stop - 1] == '[') { /* "year.[12] Then": the mark belongs to what is before it */
            size_t mark = mark_at(s + stop - 1, n - stop + 1);
            for (end = --stop; mark; mark = mark_at(s + stop, n - stop)) stop += mark;
            while (stop < n && s[stop] == ' ') stop++;
        }
        size_t close = guillemet_at(s, start, stop, n);
        if (close) {
            end = stop += close;
            while (stop < n && s[stop] == ' ') stop++;
        }
        while (end > start && s[end - 1] == ' ') end--;
        bool hard = end > start && s[end - 1] == '\n';
        if (!hard && stop < n && is_false_end(lang, s, start, end, s + stop, n - stop)) continue;
        sentence_add(t, start, stop, &block);
        start = stop;
        if (t->count == GIST_SENTENCES_READ && start < n) {
            t->capped = true;
            return;
        }
    }
    sentence_add(t, start, n, &block);
}

/* ---- public ---- */

void gist_text_init(struct gist_text *t)
{
    ascii_init();
    *t = (struct gist_text){.clean = BUF_INIT(LIMIT_TEXT + 1)};
}

void gist_text_release(struct gist_text *t)
{
    buf_release(&t->clean);
    free(t->blocks);
    free(t->items);
    free(t->units);
    free(t->offsets);
    gist_shape_release(&t->shape);
    gist_text_init(t);
}

void gist_text_split(struct gist_text *t, const struct gist_lang *lang, const char *text, size_t n, const char *markdown)
{
    struct builder b = {.t = t};
    buf_reset(&t->clean);
    gist_shape_read(&t->shape, markdown);
    t->block_count = t->count = t->fit_count = 0;
    t->capped = n > LIMIT_TEXT;
    if (t->capped) n = utf8_floor(text, LIMIT_TEXT);
    build(&b, text, n);
    if (t->block_count) cut(t, lang, widen(t));
}
