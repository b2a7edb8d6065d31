/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmstorectl: what its commands share
 *
 * A command is one function in one file, cmd_NAME(), with a row in the table of
 * vmstorectl.c. Its argp takes ctl_common as a child, so that the common options
 * work before and behind the command's name.
 */
#ifndef VMSTORECTL_CTL_H
#define VMSTORECTL_CTL_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

#include "compiler.h"
#include "libvmstore.h"

#define VMSTORECTL_VERSION	"0.1"

/**
 * enum ctl_exit - exit statuses, those above 63 as in sysexits.h
 * @CTL_OK: all as expected
 * @CTL_FAILED: an operation failed or an expectation was not met
 * @CTL_VIOLATED: the invariant is violated
 * @CTL_USAGE: wrong options or arguments
 * @CTL_DATA: the input file was read, but is wrong
 * @CTL_INPUT: the input file cannot be read
 * @CTL_DEVICE: the device or something of it is not available
 * @CTL_SYSTEM: out of memory, cannot write
 */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_VIOLATED = 2,
	CTL_USAGE = 64,
	CTL_DATA = 65,
	CTL_INPUT = 66,
	CTL_DEVICE = 69,
	CTL_SYSTEM = 71,
};

/**
 * struct ctl_options - the common options
 * @device: path of the device, NULL = the store of the environment or the usual one
 * @json: print for machines
 * @color: stdout takes colours
 * @color_err: stderr takes colours
 */
struct ctl_options {
	const char *device;
	bool json;
	bool color;
	bool color_err;
};

extern struct ctl_options ctl;
extern const struct argp ctl_common;

#define CTL_COMMON_CHILDREN						\
	((const struct argp_child[]){					\
		{ &ctl_common, 0, "Common options:", 1 },		\
		{ NULL, 0, NULL, 0 } })

/**
 * ctl_open() - open a store; say why when that fails
 * @store: to fill
 *
 * Return: CTL_OK or the exit status.
 */
int ctl_open(struct vms_store *store);

/**
 * ctl_exit() - close a store and make sure of the output
 * @store: the store
 * @status: exit status so far
 *
 * Return: @status, or CTL_SYSTEM when standard output could not be written.
 */
int ctl_exit(struct vms_store *store, int status);

/**
 * ctl_error() - "vmstorectl: error: ..." on stderr
 * @fmt: as printf(), without a newline
 */
void __printf(1, 2) ctl_error(const char *fmt, ...);

/**
 * ctl_call_error() - say that a call failed, what it means, what to do
 * @call: the call
 * @what: what was being done, "cannot dump"
 * @err: negative errno
 *
 * Return: the exit status, CTL_DEVICE.
 */
int ctl_call_error(enum vms_call call, const char *what, int err);

int cmd_check(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_litmus(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_tlb(int argc, char **argv);

#endif /* VMSTORECTL_CTL_H */
