/*
 * For LD_PRELOAD: scripts/kconfig/conf --olddefconfig reads the Kconfig files once and completes many
 * configurations. Where it opens .config to read it, nothing that it has done yet depends on it; there it
 * waits, and a child process goes on for each configuration, as conf itself would have.
 *
 * In the machine's byte order: a request on standard input is u32 length and the .config; an answer on standard
 * output is u32 kind, u32 status as of wait(2), u32 lengths of standard output, standard error and .config
 * (NO_CONFIG when there is none), then these. Kind ENDED, and no other answer, comes when conf ends
 * before it opens .config: what it says then, it says to every configuration.
 *
 * The working folder is to be an empty one in which conf may write; each configuration gets a folder in there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER, ENDED };
#define NO_CONFIG UINT32_MAX

/* Closed (-1) in the children. */
static int requests = -1, answers = -1;

/* The host takes it as a conf that cannot serve, and runs it once for each configuration. */
static void fail(const char *what)
{
	perror(what);
	_exit(99);
}

static int moved(int fd)
{
	int to = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	if (to < 0)
		fail("F_DUPFD_CLOEXEC");
	return to;
}

static void replace(int fd, const char *path, int flags)
{
	int from = open(path, flags | O_CLOEXEC, 0600);

	if (from < 0 || dup2(from, fd) < 0)
		fail(path);
	close(from);
}

static void put(const void *bytes, size_t left)
{
	const char *from = bytes;

	while (left > 0) {
		ssize_t n = write(answers, from, left);

		if (n < 0)
			fail("answer");
		from += n;
		left -= n;
	}
}

/* Not with sendfile(2): the pipe would hold the file's own pages, which are cut off before they are read. */
static void put_file(int fd, off_t size)
{
	char bytes[65536];

	for (off_t at = 0; at < size;) {
		size_t left = size - at;
		ssize_t n = pread(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes), at);

		if (n <= 0)
			fail("read");
		put(bytes, n);
		at += n;
	}
}

static uint32_t size_of(int fd)
{
	struct stat info;

	if (fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_size >= NO_CONFIG)
		fail("size");
	return info.st_size;
}

static void answer(uint32_t kind, uint32_t status, int config)
{
	uint32_t head[5] = { kind, status, size_of(1), size_of(2), config < 0 ? NO_CONFIG : size_of(config) };

	put(head, sizeof(head));
	put_file(1, head[2]);
	put_file(2, head[3]);
	if (config >= 0)
		put_file(config, head[4]);
}

/* Fills `bytes`; false at the end of the requests. */
static int get(void *bytes, size_t left)
{
	char *to = bytes;

	while (left > 0) {
		ssize_t n = read(requests, to, left);

		if (n < 0)
			fail("request");
		if (n == 0)
			return 0;
		to += n;
		left -= n;
	}
	return 1;
}

/* Writes the .config of the next request into the working folder. */
static void next_config(void)
{
	char bytes[65536];
	uint32_t left;
	int fd;

	if (!get(&left, sizeof(left)))
		_exit(0);
	fd = open(".config", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(".config");
	while (left > 0) {
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);

		if (!get(bytes, n) || write(fd, bytes, n) != (ssize_t)n)
			fail(".config");
		left -= n;
	}
	close(fd);
}

/* Returns in a child, in a folder with the .config to read. */
static void serve(void)
{
	off_t said[2] = { size_of(1), size_of(2) };

	for (unsigned int number = 0;; number++) {
		char folder[16];
		int status, config;
		pid_t child;

		snprintf(folder, sizeof(folder), "%u", number);
		if (mkdir(folder, 0755) || chdir(folder))
			fail(folder);
		next_config();
		child = fork();
		if (child < 0)
			fail("fork");
		if (child == 0) {
			close(requests);
			close(answers);
			requests = answers = -1;
			return;
		}
		if (waitpid(child, &status, 0) != child)
			fail("waitpid");
		config = open(".config", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		answer(ANSWER, status, config);
		close(config);
		/* what was said before the fork, each child has said again */
		for (int fd = 1; fd <= 2; fd++)
			if (ftruncate(fd, said[fd - 1]) || lseek(fd, said[fd - 1], SEEK_SET) < 0)
				fail("ftruncate");
		unlink(".config");
		unlink(".config.old");
		if (chdir(".."))
			fail("..");
		rmdir(folder);
	}
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	if (requests < 0)
		return;
	fflush(NULL);
	answer(ENDED, (status & 0xff) << 8, -1);
}

__attribute__((constructor)) static void start(void)
{
	requests = moved(0);
	answers = moved(1);
	replace(0, "/dev/null", O_RDONLY);
	replace(1, ".", O_TMPFILE | O_RDWR);
	replace(2, ".", O_TMPFILE | O_RDWR);
	if (on_exit(at_exit, NULL))
		fail("on_exit");
}

FILE *fopen(const char *name, const char *mode)
{
	FILE *(*real)(const char *, const char *) = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen");

	if (requests >= 0 && *mode == 'r' && !strcmp(name, ".config"))
		serve();
	return real(name, mode);
}
