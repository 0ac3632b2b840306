/*
 * For LD_PRELOAD: popen(3) and pclose(3) of scripts/kconfig/conf, with the answers at hand. It spares conf
 * every process it would start, so that the benchmark measures conf itself, at its best.
 *
 * DEPBOT_ANSWERS names a file of records without separators: u32 length of the command, u32 length of the
 * answer, command, answer. A command that is not there ends the program: its time would not be conf's.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *table;
static long table_size;

static void load(void)
{
	const char *path = getenv("DEPBOT_ANSWERS");
	FILE *in = path ? fopen(path, "r") : NULL;

	if (!in || fseek(in, 0, SEEK_END) || (table_size = ftell(in)) < 0) {
		perror("DEPBOT_ANSWERS");
		exit(99);
	}
	rewind(in);
	table = malloc(table_size + 1);
	if (!table || fread(table, 1, table_size, in) != (size_t)table_size)
		exit(99);
	fclose(in);
}

FILE *popen(const char *command, const char *type)
{
	size_t length = strlen(command);
	long at = 0;

	(void)type;
	if (!table)
		load();
	while (table_size - at >= 8) {
		uint32_t lengths[2];

		memcpy(lengths, table + at, 8);
		at += 8;
		if (lengths[0] == length && !memcmp(table + at, command, length)) {
			/* fmemopen(3) refuses an empty buffer in some C libraries */
			if (lengths[1] == 0)
				return fopen("/dev/null", "r");
			return fmemopen(table + at + length, lengths[1], "r");
		}
		at += (long)lengths[0] + lengths[1];
	}
	fprintf(stderr, "no answer recorded: %s\n", command);
	exit(99);
}

int pclose(FILE *stream)
{
	return fclose(stream);
}
