/* The functions of the console's commands, one file for each subject. */
#ifndef POSTIL_HOST_CONSOLE_H
#define POSTIL_HOST_CONSOLE_H

#include "addin/host/command.h"
#include "addin/host/control.h"

typedef void command_function(struct run *run, struct slice rest, const struct slice *args,
                              size_t count);

/* console_task.c */
command_function do_load, do_tell, do_restart_task, do_show_tasks;
/* console_show.c */
command_function do_show_server, do_show_stat, do_show_port, do_show_config;
void show_server_lines(struct run *run);
/* console_session.c */
command_function do_show_users, do_drop;
/* console_set.c */
command_function do_set_config, do_set_stat, do_start_consolelog, do_stop_consolelog;
/* console_file.c: `< filename` */
void do_file(struct run *run, struct slice name);
/* console.c */
command_function do_quit, do_help;

#endif
