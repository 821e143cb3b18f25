/* The commands: what each does is in its help (commands.c). All give an exit status after having said why, if it is not 0. */
#ifndef GM_CLI_COMMANDS_H
#define GM_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command commands[]; /* ends with a row without a name */

/* cmd_crawl.c */
int cmd_crawl(struct cli *cli);
int cmd_add(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_wait(struct cli *cli);
/* cmd_list.c */
int cmd_status(struct cli *cli);
int cmd_pages(struct cli *cli);
int cmd_search(struct cli *cli);
/* cmd_page.c */
int cmd_show(struct cli *cli);
int cmd_summary(struct cli *cli);
/* cmd_export.c */
int cmd_export(struct cli *cli);
/* cmd_control.c */
int cmd_pause(struct cli *cli);
int cmd_resume(struct cli *cli);
int cmd_cancel(struct cli *cli);
int cmd_retry(struct cli *cli);
int cmd_recrawl(struct cli *cli);
int cmd_delete(struct cli *cli);
/* cmd_doctor.c */
int cmd_doctor(struct cli *cli);
/* commands.c */
int cmd_version(struct cli *cli);
int cmd_help(struct cli *cli);

#endif
