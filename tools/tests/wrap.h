/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What "ld --wrap" makes of open(), ioctl(), close() and fcntl()
 */
#ifndef VMSTORE_TESTS_WRAP_H
#define VMSTORE_TESTS_WRAP_H

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);

#endif /* VMSTORE_TESTS_WRAP_H */
