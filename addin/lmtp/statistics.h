/* The statistics LMTP.* */
#ifndef POSTIL_LMTP_STATISTICS_H
#define POSTIL_LMTP_STATISTICS_H

#include "addin/lmtp/task.h"

/* Tell the host what has changed since the last time. Main thread only. */
void statistics_publish(struct task *task);

#endif
