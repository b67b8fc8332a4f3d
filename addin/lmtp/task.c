/* What all connections share: the settings that hold now, the log. No input. */
#include "addin/lmtp/task.h"

#include <stdio.h>

struct settings *task_settings(struct task *task)
{
	struct settings *settings;

	pthread_mutex_lock(&task->mutex);
	settings = settings_share(task->settings);
	pthread_mutex_unlock(&task->mutex);
	return settings;
}

void task_set_settings(struct task *task, struct settings *settings)
{
	struct settings *before;

	pthread_mutex_lock(&task->mutex);
	before = task->settings;
	task->settings = settings;
	pthread_mutex_unlock(&task->mutex);
	settings_release(&before);
}

void task_log(struct task *task, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	task->log(task->log_context, text);
}
