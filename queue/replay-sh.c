/*
 * Stands in for /bin/sh while scripts/kconfig/conf runs, so that $(shell,...) answers that are known
 * already need no shell, compiler or linker. Three quarters of conf's time goes into those.
 *
 * popen(3) in conf starts "sh -c COMMAND" ("sh -c -- COMMAND" with newer C libraries). If conf itself is
 * the parent and COMMAND is in /depbot/answers, its answer is written and that is all. Otherwise the command
 * is appended to /depbot/asked, if there is such a file, and the real shell, /depbot/sh, takes over.
 *
 * Both files are records without separators: u32 length of the command, u32 length of the answer, command,
 * answer. In "asked" the answer is empty. Integers are in the machine's byte order.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Nested shells get the real one: an answer lacks its trailing newline, which only conf does not miss. */
static int parent_is_conf(void)
{
	char path[64], comm[16];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, comm, sizeof(comm));
	close(fd);
	return length == 5 && !memcmp(comm, "conf\n", 5);
}

static int write_all(const char *bytes, size_t left)
{
	while (left > 0) {
		ssize_t written = write(STDOUT_FILENO, bytes, left);

		if (written < 0)
			return 1;
		bytes += written;
		left -= written;
	}
	return 0;
}

/* Returns -1 if there is no answer, else the exit code. */
static int replay(const char *command, size_t length)
{
	struct stat info;
	const char *at, *end;
	int fd = open("/depbot/answers", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) || info.st_size == 0)
		return -1;
	at = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return -1;
	end = at + info.st_size;
	while (end - at >= 8) {
		uint32_t lengths[2];

		memcpy(lengths, at, sizeof(lengths));
		at += sizeof(lengths);
		if ((uint64_t)lengths[0] + lengths[1] > (uint64_t)(end - at))
			break;
		if (lengths[0] == length && !memcmp(at, command, length))
			return write_all(at + lengths[0], lengths[1]);
		at += lengths[0] + lengths[1];
	}
	return -1;
}

static void note(const char *command, size_t length)
{
	uint32_t lengths[2] = { length, 0 };
	struct iovec record[2] = {
		{ .iov_base = lengths, .iov_len = sizeof(lengths) },
		{ .iov_base = (void *)command, .iov_len = length },
	};
	int fd = open("/depbot/asked", O_WRONLY | O_APPEND | O_CLOEXEC);

	/* whoever reads the list checks it: a record that is not whole ends it */
	if (fd >= 0 && writev(fd, record, 2) < 0)
		perror("/depbot/asked");
}

int main(int argc, char **argv)
{
	const char *command = NULL;

	if (argc == 3 && !strcmp(argv[1], "-c"))
		command = argv[2];
	else if (argc == 4 && !strcmp(argv[1], "-c") && !strcmp(argv[2], "--"))
		command = argv[3];
	if (command && parent_is_conf()) {
		int code = replay(command, strlen(command));

		if (code >= 0)
			return code;
		note(command, strlen(command));
	}
	execv("/depbot/sh", argv);
	perror("/depbot/sh");
	return 127;
}
