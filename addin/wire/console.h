/*
 * What a console and the server say to each other, over the server's end of a
 * stream socket: DATA/console.sock, or a pair whose other end is the console
 * program's descriptor CONSOLE_FD. Lines of UTF-8 that end with a newline; the
 * first octet says what it is.
 *
 * Console to server
 *      R<command>      run it; its output comes as O lines, then one E line
 *      L               send log lines from now on (an interactive console)
 *      P               the same, but as the log is written, JSON included (a
 *                      console without a terminal)
 * Server to console
 *      L<line>         a line of the log
 *      O<line>         a line of output
 *      E0, E1          the command has ended: well, or not
 *      W<words>        commands for completion, divided by tabs
 *      T<names>        names of the tasks that run, divided by tabs
 *      D<number>       so many lines were dropped, the console was too slow
 *      X<text>         refused, and why; the connection ends
 */
#ifndef POSTIL_WIRE_CONSOLE_H
#define POSTIL_WIRE_CONSOLE_H

#define CONSOLE_FD 3
#define CONSOLE_SOCKET "console.sock"   /* in the data directory */
#define CONSOLE_COMMAND_MAX 255         /* octets of a command */
#define CONSOLE_LINE_MAX 16384          /* octets of a line to the console */

#endif
