/* The summarizer: adds a summary to each article, by the built-in extractive engine or by a model. */
#include "line/service.h"
#include "summarizer/command.h"
#include "summarizer/settings.h"
#include "summarizer/stage.h"

static const enum queue_id queues[] = {QUEUE_ARTICLE_EXPRESS, QUEUE_ARTICLE, QUEUE_COUNT};

int main(int argc, char **argv)
{
    const struct service_spec spec = {.name = "summarizer",
                                      .about = "takes articles from the queue article, adds summaries, passes them on",
                                      .conf = summarizer_conf,
                                      .queues = queues,
                                      .prefetch = &summarizer_settings.prefetch,
                                      .check = summarizer_settings_check,
                                      .command = summarizer_command,
                                      .command_help = summarizer_command_help,
                                      .init = summarizer_init,
                                      .on_message = summarizer_message,
                                      .on_reset = summarizer_reset,
                                      .on_turn = summarizer_turn,
                                      .busy = summarizer_busy,
                                      .on_tick = summarizer_tick,
                                      .on_alive = summarizer_alive,
                                      .metrics = summarizer_metrics,
                                      .deinit = summarizer_deinit};
    return service_run(&spec, argc, argv);
}
