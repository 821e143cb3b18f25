/* All stored pages of a crawl, as the gateway streams them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands.h"
#include "cli/text.h"

#define PIECE_MAX (4u << 20) /* bytes of one piece, cleaned */

struct export
{
    struct cli *cli;
    FILE *out;
    bool markdown;
    bool clean;     /* it goes to a terminal */
    bool line_feed; /* the last byte was one */
    char rest[4];   /* bytes of a character that has not come to its end */
    size_t rest_n;
    int64_t bytes;
    int error; /* errno of writing, 0: none */
};

static void write_clean(struct export *e, const char *bytes, size_t n)
{
    struct buf in = BUF_INIT(PIECE_MAX), out;
    buf_init(&out, 12 * (size_t)PIECE_MAX);
    buf_add(&in, e->rest, e->rest_n);
    buf_add(&in, bytes, n);
    size_t whole = text_whole(buf_str(&in), in.len);
    e->rest_n = in.len - whole;
    memcpy(e->rest, buf_str(&in) + whole, e->rest_n);
    if (e->markdown)
        text_clean(&out, buf_str(&in), whole, true);
    else
        text_json(&out, buf_str(&in), whole);
    fwrite(buf_str(&out), 1, out.len, e->out);
    buf_release(&in);
    buf_release(&out);
}

static bool on_bytes(void *context, const char *bytes, size_t n)
{
    struct export *e = context;
    if (n == 0) return true;
    e->bytes += (int64_t)n;
    e->line_feed = bytes[n - 1] == '\n';
    if (e->clean)
        write_clean(e, bytes, n);
    else
        fwrite(bytes, 1, n, e->out);
    if (ferror(e->out)) e->error = errno ? errno : EIO;
    return e->error == 0;
}

static int stream(struct cli *cli, struct export *e)
{
    struct buf path = BUF_INIT(API_PATH_MAX), words = BUF_INIT(4096);
    struct http_request request = {.accept = "*/*", .on_bytes = on_bytes, .context = e};
    struct http_reply reply;
    buf_add_str(&path, "/v1/crawl");
    api_segment(&path, operand(cli, 0));
    buf_add_str(&path, "/export");
    api_query(&path, "format", e->markdown ? "md" : "jsonl");
    errno = 0;
    api_try(cli, buf_str(&path), &request, &reply);
    enum outcome outcome = api_judge(cli, &reply, &words);
    if (!e->error && fflush(e->out) != 0) e->error = errno;
    int status = outcome;
    if (e->error)
        status = complain(cli, OUTCOME_FAILED, "FAILED", "cannot write: %s", strerror(e->error));
    else if (outcome == OUTCOME_OK && reply.status != 200)
        status = complain(cli, OUTCOME_FAILED, "BAD_ANSWER", "HTTP status %ld to an export", reply.status);
    else if (outcome == OUTCOME_OK && e->bytes > 0 && !e->line_feed)
        status = complain(cli, OUTCOME_AWAY, "CUT", "the export ends in the middle of a line: it is not whole");
    else if (outcome != OUTCOME_OK)
        status = complain(cli, outcome, "BAD_ANSWER", "%s%s", buf_str(&words), e->bytes > 0 ? "; what came is not whole" : "");
    http_reply_release(&reply);
    buf_release(&path);
    buf_release(&words);
    return status;
}

/* Under another name first: who waits for the file must not find half of it. */
static int stream_to_file(struct cli *cli, struct export *e, const char *name)
{
    struct buf part = BUF_INIT(8192);
    buf_addf(&part, "%s.part-%ld", name, (long)getpid());
    e->out = fopen(buf_str(&part), "wxe");
    int status;
    if (!e->out) {
        status = complain(cli, OUTCOME_FAILED, "FAILED", "%s: %s", buf_str(&part), strerror(errno));
        buf_release(&part);
        return status;
    }
    status = stream(cli, e);
    bool good = status == OUTCOME_OK && fsync(fileno(e->out)) == 0;
    good = fclose(e->out) == 0 && good;
    if (good) good = rename(buf_str(&part), name) == 0;
    if (status == OUTCOME_OK && !good) status = complain(cli, OUTCOME_FAILED, "FAILED", "%s: %s", name, strerror(errno));
    if (!good) unlink(buf_str(&part));
    if (good && !cli->json && cli->err.tty) say(cli, "%lld bytes in %s", (long long)e->bytes, name);
    buf_release(&part);
    return status;
}

int cmd_export(struct cli *cli)
{
    struct export e = {.cli = cli, .out = stdout, .clean = cli->out.tty};
    const char *name = opt_text(cli, OPT_OUTPUT);
    e.markdown = opt_set(cli, OPT_FORMAT) && strcmp(opt_text(cli, OPT_FORMAT), "md") == 0;
    if (!name || strcmp(name, "-") == 0) return stream(cli, &e);
    e.clean = false;
    return stream_to_file(cli, &e, name);
}
