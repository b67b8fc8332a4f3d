/*
 * Message queues, kept by the host: any task may open any queue by its name.
 * What the console is told (`tell NAME text`) comes through the queue MQ$NAME.
 * Domino C API reference, functions MQ...
 */
#ifndef POSTIL_API_MQ_H
#define POSTIL_API_MQ_H

#include <global.h>
#include <osmem.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef DWORD MQHANDLE;

#define MQ_MAX_MSGSIZE (MAXONESEGSIZE - 0x40)
#define NOPRIORITY MAXWORD
#define LOWPRIORITY MAXWORD
#define HIGHPRIORITY 0

#define MQ_WAIT_FOR_MSG 0x0001          /* MQGet */
#define MQ_OPEN_CREATE 0x00000001       /* MQOpen */

/* NOERROR: go on; ERR_MQSCAN_ABORT: stop; ERR_MQSCAN_DEQUEUE: hand this message
 * to the caller of MQScan; ERR_MQSCAN_DELETE: remove it and go on. */
typedef STATUS (LNCALLBACKPTR MQSCAN_CALLBACK)(const char *pBuffer, WORD Length,
                                               WORD Priority, void *Ctx);

STATUS LNPUBLIC MQCreate(const char *QueueName, WORD Quota, DWORD Options);
STATUS LNPUBLIC MQOpen(const char *QueueName, DWORD Options, MQHANDLE *RetQueue);
STATUS LNPUBLIC MQClose(MQHANDLE Queue, DWORD Options);
STATUS LNPUBLIC MQPut(MQHANDLE Queue, WORD Priority, const char *Buffer, WORD Length,
                      DWORD Options);
/* The message is not ended by NUL. */
STATUS LNPUBLIC MQGet(MQHANDLE Queue, char *Buffer, WORD BufLength, DWORD Options,
                      DWORD Timeout, WORD *retMsgLength);
/* Messages that come or go meanwhile may be seen or missed: the queue is not
 * locked against other tasks while the callback runs. */
STATUS LNPUBLIC MQScan(MQHANDLE Queue, char *Buffer, WORD BufLength, DWORD Options,
                       MQSCAN_CALLBACK ActionRoutine, void *Ctx, WORD *retMsgLength);
void LNPUBLIC MQPutQuitMsg(MQHANDLE Queue);
BOOL LNPUBLIC MQIsQuitPending(MQHANDLE Queue);
WORD LNPUBLIC MQGetCount(MQHANDLE Queue);

#ifdef __cplusplus
}
#endif
#endif
