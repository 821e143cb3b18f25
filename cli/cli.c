/* How gistmill speaks; contract in cli.h. */
#include "cli/cli.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"

#define WIDTH_ELSE 100
#define SAY_MAX    4000 /* bytes of one message */

struct look look_of(FILE *file, bool unicode)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM"); /* no-color.org: present and not empty */
    bool tty = isatty(fileno(file)), dumb = !term || strcmp(term, "dumb") == 0;
    return (struct look){.tty = tty && !dumb, .colour = tty && !dumb && !(no_color && *no_color), .unicode = unicode};
}

size_t look_width(FILE *file)
{
    struct winsize size;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return WIDTH_ELSE;
    return size.ws_col < 20 ? 20 : size.ws_col;
}

const char *style(const struct look *look, enum style s)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    return look->colour ? codes[s] : "";
}

void print_styled(const struct look *look, FILE *out, enum style s, const char *text)
{
    fprintf(out, "%s%s%s", style(look, s), text, s == STYLE_NONE ? "" : style(look, STYLE_NONE));
}

__attribute__((format(printf, 2, 0))) static void clean_words(struct buf *out, const char *format, va_list ap)
{
    struct buf raw;
    buf_init(&raw, SAY_MAX);
    if (!buf_vaddf(&raw, format, ap)) buf_add_str(&raw, "a message too long to be shown");
    text_clean(out, buf_str(&raw), raw.len, false);
    buf_release(&raw);
}

void say(const struct cli *cli, const char *format, ...)
{
    struct buf words = BUF_INIT(2 * SAY_MAX);
    (void)cli;
    va_list ap;
    va_start(ap, format);
    clean_words(&words, format, ap);
    va_end(ap);
    fprintf(stderr, "gistmill: %s\n", buf_str(&words));
    buf_release(&words);
}

int complain(const struct cli *cli, enum outcome outcome, const char *code, const char *format, ...)
{
    struct buf words = BUF_INIT(2 * SAY_MAX);
    va_list ap;
    va_start(ap, format);
    clean_words(&words, format, ap);
    va_end(ap);
    fflush(stdout);
    fprintf(stderr, "gistmill: %s\n", buf_str(&words));
    if (cli->json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddFalseToObject(object, "success");
        cJSON_AddStringToObject(object, "code", code);
        cJSON_AddStringToObject(object, "error", buf_str(&words));
        print_json(object);
        cJSON_Delete(object);
    }
    buf_release(&words);
    return (int)outcome;
}

void print_json(const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    if (!text) abort();
    size_t n = strlen(text);
    struct buf safe;
    buf_init(&safe, n * 12 + 1);
    text_json(&safe, text, n);
    fwrite(buf_str(&safe), 1, safe.len, stdout);
    putchar('\n');
    buf_release(&safe);
    free(text);
}
