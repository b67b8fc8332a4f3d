/*
 * The statistics POP3.* of `show stat`: the engine's counters, told to the host
 * when they have changed. Used by the task's main thread only.
 */
#ifndef POSTIL_POP3_STATISTICS_H
#define POSTIL_POP3_STATISTICS_H

#include "addin/net/net.h"

void statistics_publish(struct net *net);

#endif
