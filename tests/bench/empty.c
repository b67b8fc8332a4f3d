/* An empty program that opens one SQLite file: the floor under `postil deliver`. */
#include <sqlite3.h>
#include <stddef.h>

int main(int argc, char *argv[])
{
	sqlite3 *db = NULL;
	int status = argc > 1 ? sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) : 1;

	if (status == SQLITE_OK)
		status = sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_close(db);
	return status != SQLITE_OK;
}
