// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a 32-bit test program, which is inside this one, where the kernel can: a
 * 64-bit kernel then takes its calls by the compat path.
 *
 * It gets a store that this 64-bit program has set up, as the file descriptor that
 * M32_STORE names.
 */
#include <sys/syscall.h>

#include "vmstore_test.h"

#ifdef M32_PROGRAM

/* The program's bytes */
static const char *m32_image(size_t *len)
{
	const char *start, *end;

	__asm__(".pushsection .rodata\n"
		"1:	.incbin \"" M32_PROGRAM "\"\n"
		"2:\n"
		".popsection\n"
		"lea	1b(%%rip), %0\n"
		"lea	2b(%%rip), %1\n"
		: "=r" (start), "=r" (end));
	*len = end - start;
	return start;
}

#endif

static int skip_all(const char *reason)
{
	printf("TAP version 13\n1..0 # SKIP %s\n", reason);
	return KSFT_SKIP;
}

/* A page at 0 with a value in it, and a handle that is known to nobody else */
static int m32_store(void)
{
	struct vmstore_op ops[] = {
		vt_space_new(),
		vt_open_mut(VMSTORE_REF(0), 0, VT_1G),
		vt_alloc(),
		vt_map(VMSTORE_REF(1), VMSTORE_REF(2), VT_RW),
		vt_write(VMSTORE_REF(0), 0, 8, 0x0123456789abcdefULL, 0),
		vt_alloc(),
	};
	int fd = vt_store(VMSTORE_MACHINE_DEFAULT, VMSTORE_CHECK_FULL, VT_SMALL);

	if (fd < 0)
		return fd;
	if (vt_run(fd, ops, ARRAY_SIZE(ops), 0, NULL) || ops[ARRAY_SIZE(ops) - 1].out_errno)
		return -EIO;
	return fcntl(fd, F_SETFD, 0) ? -errno : fd;
}

int main(int argc VT_UNUSED, char **argv)
{
#ifdef M32_PROGRAM
	char number[16];
	size_t len;
	const char *image = m32_image(&len);
	int prog, store;

	prog = syscall(SYS_memfd_create, argv[0], 1 /* MFD_CLOEXEC */);
	if (prog < 0 || write(prog, image, len) != (ssize_t)len)
		return skip_all("no memory file to run a program from");
	store = m32_store();
	if (store >= 0) {
		snprintf(number, sizeof(number), "%d", store);
		setenv("M32_STORE", number, 1);
	}
	fexecve(prog, argv, environ);
	return skip_all(errno == ENOEXEC ? "this kernel runs no 32-bit programs" :
			strerror(errno));
#else
	return skip_all("built without a 32-bit C library: install gcc-multilib");
#endif
}
