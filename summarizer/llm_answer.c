/* Judging answers; contract in llm_answer.h. */
#include "summarizer/llm_answer.h"

#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#define LONG_FACTOR   3
#define LONG_SPARE    40 /* words */
#define FOREIGN_BYTES 60 /* a shorter answer says too little of its language */
#define REFUSAL_WORDS 60 /* a longer answer holds more than a refusal */

struct piece {
    const char *s;
    size_t n;
};

static void trim(struct piece *p)
{
    while (p->n && strchr(" \t\r\n", *p->s)) p->s++, p->n--;
    while (p->n && strchr(" \t\r\n", p->s[p->n - 1])) p->n--;
}

static bool begins(const struct piece *p, const char *with)
{
    size_t n = strlen(with);
    return p->n >= n && strncasecmp(p->s, with, n) == 0;
}

/* "<think>…</think>answer"; some chat templates swallow the opening tag. */
static void drop_thinking(struct piece *p)
{
    static const char *const ends[] = {"</think>", "</thinking>"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = memmem(p->s, p->n, ends[i], strlen(ends[i]));
        if (!end) continue;
        end += strlen(ends[i]);
        p->n -= (size_t)(end - p->s);
        p->s = end;
        trim(p);
    }
    if (begins(p, "<think")) p->n = 0; /* it never came to an end */
}

static void drop_fence(struct piece *p)
{
    if (!begins(p, "```") || p->n < 6 || memcmp(p->s + p->n - 3, "```", 3) != 0) return;
    const char *line = memchr(p->s, '\n', p->n);
    if (!line || line >= p->s + p->n - 3) return;
    p->n = (size_t)(p->s + p->n - 3 - line);
    p->s = line;
    trim(p);
}

static void add_clean(struct buf *out, const struct piece *p)
{
    for (size_t i = 0; i < p->n; i++) {
        unsigned char c = (unsigned char)p->s[i];
        if (c == '\t') c = ' ';
        if ((c < ' ' && c != '\n') || c == 0x7f) continue;
        buf_add_char(out, (char)c);
    }
}

/* Back to the end of the last whole sentence; false if there is none. */
static bool cut_back(struct buf *out)
{
    for (int32_t i = (int32_t)out->len; i > 0;) {
        UChar32 c;
        int32_t end = i;
        U8_PREV((const uint8_t *)out->data, 0, i, c);
        if (!u_hasBinaryProperty(c, UCHAR_S_TERM)) continue;
        buf_truncate(out, (size_t)end);
        return true;
    }
    return false;
}

/* Words between blanks; of scripts without blanks two characters make one. */
static int64_t count_words(const struct buf *text)
{
    int64_t words = 0, unspaced = 0;
    bool in = false;
    for (int32_t i = 0; i < (int32_t)text->len;) {
        UChar32 c;
        U8_NEXT((const uint8_t *)text->data, i, (int32_t)text->len, c);
        bool wide = c >= 0x2e80 && u_isalpha(c), word = !wide && u_isalnum(c);
        unspaced += wide;
        words += word && !in;
        in = word || (in && !u_isUWhiteSpace(c) && !wide);
    }
    return words + (unspaced + 1) / 2;
}

static bool is_refusal(const struct buf *text, int64_t words)
{
    static const char *const openings[] = {"I'm sorry",
                                           "I’m sorry",
                                           "I am sorry",
                                           "Sorry, ",
                                           "I cannot",
                                           "I can't",
                                           "I can’t",
                                           "I'm unable",
                                           "I’m unable",
                                           "I am unable",
                                           "I'm not able",
                                           "I’m not able",
                                           "I am not able",
                                           "I won't",
                                           "I’m afraid I can",
                                           "I'm afraid I can",
                                           "As an AI",
                                           "As a language model",
                                           "Unfortunately, I",
                                           "I must decline",
                                           "Es tut mir leid",
                                           "Tut mir leid",
                                           "Leider kann ich",
                                           "Ich kann diese",
                                           "Ich kann den",
                                           "Ich kann nicht",
                                           "Als KI",
                                           "Je suis désolé",
                                           "Désolé",
                                           "Je ne peux pas",
                                           "En tant qu'IA",
                                           "Lo siento",
                                           "No puedo",
                                           "Como modelo de",
                                           "Mi dispiace",
                                           "Non posso",
                                           "Desculpe",
                                           "Sinto muito",
                                           "Não posso",
                                           "Извините",
                                           "К сожалению, я",
                                           "Я не могу",
                                           "На жаль, я",
                                           "Вибачте",
                                           "Я не можу",
                                           "抱歉",
                                           "对不起",
                                           "很抱歉",
                                           "我无法",
                                           "我不能",
                                           "申し訳"};
    struct piece p = {.s = text->data, .n = text->len};
    if (words > REFUSAL_WORDS) return false;
    while (p.n && strchr("\"'*_ ", *p.s)) p.s++, p.n--;
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
        if (begins(&p, openings[i])) return true;
    return false;
}

/* How many bytes of a line mark it as an item: "- ", "3. " … */
static size_t item_mark(const char *line)
{
    size_t digits = strspn(line, "0123456789");
    if (digits > 0 && digits < 3) return (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ' ? digits + 2 : 0;
    if (strncmp(line, "• ", strlen("• ")) == 0) return strlen("• ");
    return strncmp(line, "- ", 2) == 0 || strncmp(line, "* ", 2) == 0 ? 2 : 0;
}

/* What a page that gives orders mostly wants. A single line that begins like an item may be a sentence ("1. FC Köln won"). */
static bool has_markup(const char *text, bool list)
{
    static const char *const marks[] = {"</", "<a ", "<img", "<script", "<br", "](", "```", "|--"};
    size_t items = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strstr(text, marks[i])) return true;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\n ");
        size_t heading = strspn(line, "#");
        if (heading > 0 && heading < 7 && line[heading] == ' ') return true;
        items += item_mark(line) > 0;
    }
    return items > 1 && !list;
}

bool llm_answer_is_foreign(struct gist_langs *langs, const char *answer, const char *wanted)
{
    static const char *const alike[] = {"es pt it gl ca ro", "da no nb nn sv", "ru uk be bg sr mk", "cs sk pl", "zh ja",
                                        "en nl af",          "hr sr bs sl"};
    const char *want = gist_langs_find(langs, wanted)->code, *got = gist_langs_guess(langs, answer, strlen(answer))->code;
    if (!*want || !*got || strcmp(want, got) == 0 || strlen(answer) < FOREIGN_BYTES) return false;
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
        if (strstr(alike[i], want) && strstr(alike[i], got)) return false;
    return true;
}

/* Each line becomes an item. */
static void make_list(struct buf *text)
{
    struct buf list = BUF_INIT(text->max);
    for (const char *line = buf_str(text); *line;) {
        line += strspn(line, "\n ");
        size_t mark = item_mark(line), n = strcspn(line + mark, "\n");
        if (n > 0) buf_addf(&list, "%s- %.*s", list.len ? "\n" : "", (int)n, line + mark);
        line += mark + n;
    }
    if (!buf_failed(&list)) {
        buf_reset(text);
        buf_add(text, list.data, list.len);
    }
    buf_release(&list);
}

enum llm_answer_fault llm_answer_read(const char *answer, bool cut_off, int64_t words, enum llm_style style, struct buf *out)
{
    struct piece p = {.s = answer, .n = strlen(answer)};
    enum llm_answer_fault fault = LLM_ANSWER_GOOD;
    buf_reset(out);
    trim(&p);
    drop_thinking(&p);
    drop_fence(&p);
    add_clean(out, &p);
    if (buf_failed(out)) {
        fault = LLM_ANSWER_LONG;
    } else if (out->len == 0) {
        fault = cut_off ? LLM_ANSWER_BROKEN : LLM_ANSWER_EMPTY;
    } else if (cut_off && (style == LLM_JSON || !cut_back(out))) {
        fault = LLM_ANSWER_BROKEN;
    } else {
        int64_t count = count_words(out);
        if (count == 0) fault = LLM_ANSWER_EMPTY;
        if (count > LONG_FACTOR * words + LONG_SPARE) fault = LLM_ANSWER_LONG;
        if (count && is_refusal(out, count)) fault = LLM_ANSWER_REFUSAL;
        if (fault == LLM_ANSWER_GOOD && has_markup(buf_str(out), style == LLM_BULLETS)) fault = LLM_ANSWER_MARKUP;
    }
    if (fault == LLM_ANSWER_GOOD && style == LLM_BULLETS) make_list(out);
    if (fault != LLM_ANSWER_GOOD) buf_reset(out);
    return fault;
}
