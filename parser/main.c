/* The parser: turns a page's bytes into an article, its metadata and its links. */
#include "line/service.h"
#include "parser/parser_command.h"
#include "parser/parser_stage.h"

static const struct conf_row rows[] = {
    {"PREFETCH", CONF_INT, &parser_settings.prefetch, "16", 1, 256, 0, "pages held at once"},
    {"PARSE_TIMEOUT", CONF_MS, &parser_settings.timeout_ms, "10s", 50, 300000, 0, "for one page; twice longer and it ends as POISON"},
    {"PARSE_MEMORY", CONF_INT, &parser_settings.memory_mib, "1024", 8, 65536, 0,
     "MiB that pages may take in the caged child, beside the program itself"},
    {"USER_AGENT_TOKEN", CONF_STRING, &parser_settings.agent, "gistmill", 1, 100, 0,
     "our name in robots directives of pages; should be the writer's value"},
    CONF_END,
};

static const enum queue_id queues[] = {QUEUE_HTML_EXPRESS, QUEUE_HTML, QUEUE_COUNT};

int main(int argc, char **argv)
{
    const struct service_spec spec = {.name = "parser",
                                      .about = "takes pages from the queue html, finds article, metadata and links, passes the record on",
                                      .conf = rows,
                                      .queues = queues,
                                      .prefetch = &parser_settings.prefetch,
                                      .command = parser_stage_command,
                                      .command_help = PARSER_COMMAND_HELP,
                                      .init = parser_stage_init,
                                      .on_message = parser_stage_message,
                                      .on_reset = parser_stage_reset,
                                      .metrics = parser_stage_metrics,
                                      .deinit = parser_stage_deinit};
    return service_run(&spec, argc, argv);
}
