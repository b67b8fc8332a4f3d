/* The clocks of the idle loop. */
#ifndef POSTIL_RUNTIME_IDLE_H
#define POSTIL_RUNTIME_IDLE_H

void idle_start(void);  /* the task starts now */

#endif
