// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl info: constants, limits and the machine
 */
#include <string.h>

#include "compiler.h"
#include "ctl.h"
#include "out.h"
#include "show.h"

static const struct cap {
	__u32 bit;
	const char *name;
	const char *text;
} caps[] = {
	{ VMSTORE_CAP_HW_WALK, "hw-walk", "the CPU's own walker and TLB" },
	{ VMSTORE_CAP_REMOTE, "remote", "more than one CPU" },
	{ VMSTORE_CAP_KEEPS, "keeps",
	  "a translation stays cached until it is flushed" },
	{ VMSTORE_CAP_GLOBAL, "global", "global entries survive a root load" },
	{ VMSTORE_CAP_TAGGED, "tagged", "tagged entries survive a root load" },
	{ VMSTORE_CAP_PSC, "psc", "paging-structure cache" },
	{ VMSTORE_CAP_5LEVEL, "5level", "the CPU runs with 5-level paging" },
	{ VMSTORE_CAP_PTI, "pti",
	  "the kernel runs with page-table isolation" },
};

const char *vms_machine_name(__u32 machine)
{
	switch (machine) {
	case VMSTORE_MACHINE_DEFAULT:
		return "default";
	case VMSTORE_MACHINE_LIVE:
		return "live";
	case VMSTORE_MACHINE_SOFT:
		return "soft";
	default:
		return "?";
	}
}

const char *vms_check_mode_name(__u32 mode)
{
	switch (mode) {
	case VMSTORE_CHECK_OFF:
		return "off";
	case VMSTORE_CHECK_FULL:
		return "full";
	case VMSTORE_CHECK_STEP:
		return "step";
	default:
		return "?";
	}
}

#define FIRST_MACHINE	VMSTORE_MACHINE_LIVE
#define LAST_MACHINE	VMSTORE_MACHINE_SOFT

/*
 * What the machines can do is known of a store only: the smallest one is made for
 * each machine.
 */
struct machines {
	struct vmstore_info info[LAST_MACHINE + 1];
	bool usable[LAST_MACHINE + 1];
};

static int probe_machine(__u32 machine, struct vmstore_info *info)
{
	const struct vmstore_setup setup = {
		.region_size = VMSTORE_BLOCK_SIZE, .machine = machine,
	};
	struct vms_store store;
	int ret;

	ret = vms_open(&store, ctl.device);
	if (ret)
		return ret;
	ret = vms_setup(&store, &setup);
	if (!ret)
		ret = vms_info(&store, info);
	vms_close(&store);
	return ret;
}

static int probe_machines(const struct vmstore_info *info,
			  struct machines *machines)
{
	__u32 m;
	int ret;

	memset(machines, 0, sizeof(*machines));
	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (!(info->out_machines & 1u << m))
			continue;
		ret = probe_machine(m, &machines->info[m]);
		if (ret)
			return ret;
		machines->usable[m] = true;
	}
	return 0;
}

/* --- for machines ---------------------------------------------------------- */

static json_object *json_caps(__u32 bits)
{
	json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		if (bits & caps[i].bit)
			out_json_append(array, caps[i].name);
	}
	return array;
}

static void json_counters(json_object *object, const struct vmstore_info *info)
{
	out_json_count(object, "ops", info->out_ops);
	out_json_count(object, "flush_ops", info->out_flush_ops);
	out_json_count(object, "dispatches", info->out_dispatches);
	out_json_count(object, "ipis", info->out_ipis);
	out_json_count(object, "max_nodes", info->out_max_nodes);
	out_json_count(object, "gathered", info->out_gathered);
	out_json_bool(object, "frozen", info->out_frozen);
	out_json_addr(object, "host_table", info->out_host_table);
}

json_object *vms_json_info(const struct vmstore_info *info)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "abi_version", info->out_abi_version);
	out_json_count(object, "nr_opcodes", info->out_nr_opcodes);
	out_json_text(object, "machine", vms_machine_name(info->out_machine));
	json_object_object_add(object, "machine_caps",
			       json_caps(info->out_machine_caps));
	out_json_count(object, "nr_cpus", info->out_nr_cpus);
	out_json_text(object, "check_mode",
		      vms_check_mode_name(info->out_check_mode));
	out_json_count(object, "region_size", info->out_region_size);
	out_json_count(object, "mmio_size", info->out_mmio_size);
	out_json_count(object, "nr_slots", info->out_nr_slots);
	out_json_count(object, "free_slots", info->out_free_slots);
	out_json_count(object, "nr_clauses", info->out_nr_clauses);
	out_json_count(object, "max_batch", info->out_max_batch);
	out_json_count(object, "max_region_size", info->out_max_region_size);
	out_json_count(object, "default_region_size",
		       info->out_default_region_size);
	json_counters(object, info);
	return object;
}

static json_object *json_machines(const struct machines *machines)
{
	json_object *object = json_object_new_object();
	json_object *machine, *array;
	__u32 m;

	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (!machines->usable[m])
			continue;
		machine = json_object_new_object();
		out_json_count(machine, "nr_cpus",
			       machines->info[m].out_nr_cpus);
		array = json_caps(machines->info[m].out_machine_caps);
		json_object_object_add(machine, "caps", array);
		json_object_object_add(object, vms_machine_name(m), machine);
	}
	return object;
}

static json_object *json_constants(void)
{
	json_object *constants = json_object_new_object();

	out_json_count(constants, "page_size", VMSTORE_PAGE_SIZE);
	out_json_count(constants, "nr_entries", VMSTORE_NR_ENTRIES);
	out_json_count(constants, "nr_levels", VMSTORE_NR_LEVELS);
	out_json_count(constants, "block_size", VMSTORE_BLOCK_SIZE);
	out_json_addr(constants, "user_end", VMSTORE_USER_END);
	out_json_addr(constants, "max_userspace_vaddr",
		      VMSTORE_MAX_USERSPACE_VADDR);
	out_json_addr(constants, "kernel_base", VMSTORE_KERNEL_BASE);
	out_json_addr(constants, "kvirt_base", VMSTORE_KVIRT_BASE);
	out_json_addr(constants, "kvirt_end", VMSTORE_KVIRT_END);
	return constants;
}

static void print_json(const struct vmstore_info *info,
		       const struct machines *machines)
{
	json_object *object = json_object_new_object();

	out_json_count(object, "abi_version", info->out_abi_version);
	out_json_count(object, "nr_opcodes", info->out_nr_opcodes);
	out_json_count(object, "nr_clauses", info->out_nr_clauses);
	out_json_text(object, "default_machine",
		      vms_machine_name(info->out_machine));
	json_object_object_add(object, "machines", json_machines(machines));
	out_json_count(object, "max_batch", info->out_max_batch);
	out_json_count(object, "max_region_size", info->out_max_region_size);
	out_json_count(object, "default_region_size",
		       info->out_default_region_size);
	out_json_addr(object, "host_table", info->out_host_table);
	json_object_object_add(object, "constants", json_constants());
	out_json_print(object);
}

/* --- for people ------------------------------------------------------------ */

static void title(const char *text)
{
	printf("%s%s%s\n", out_on(ctl.color, OUT_BOLD), text,
	       out_on(ctl.color, OUT_PLAIN));
}

static void row(const char *key)
{
	printf("  %-26s", key);
}

static void row_count(const char *key, __u64 value)
{
	row(key);
	printf("%llu\n", value);
}

static void row_addr(const char *key, __u64 value)
{
	row(key);
	printf("%#llx\n", value);
}

static void row_size(const char *key, __u64 value)
{
	char buf[24];

	row(key);
	printf("%s\n", out_size_text(value, buf));
}

/* One column a machine. */
static void print_cap(const struct machines *machines, const struct cap *cap)
{
	__u32 m;

	row(cap->name);
	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (machines->usable[m])
			printf("%-9s", machines->info[m].out_machine_caps &
				       cap->bit ? "yes" : "-");
	}
	puts(cap->text);
}

static void print_machines(const struct vmstore_info *info,
			   const struct machines *machines)
{
	size_t i;
	__u32 m;

	printf("%s%-28s", out_on(ctl.color, OUT_BOLD), "machine");
	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (machines->usable[m])
			printf("%-9s", vms_machine_name(m));
	}
	printf("%s\n", out_on(ctl.color, OUT_PLAIN));
	row("default");
	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (machines->usable[m])
			printf("%-9s", m == info->out_machine ? "yes" : "-");
	}
	puts("what setup takes when it is not told");
	row("CPUs");
	for (m = FIRST_MACHINE; m <= LAST_MACHINE; m++) {
		if (machines->usable[m])
			printf("%-9u", machines->info[m].out_nr_cpus);
	}
	puts("the default; @cpu N is below it");
	for (i = 0; i < ARRAY_SIZE(caps); i++)
		print_cap(machines, &caps[i]);
}

static void print_limits(const struct vmstore_info *info)
{
	title("limits");
	row_size("region, default", info->out_default_region_size);
	row_size("region, at most", info->out_max_region_size);
	row_count("operations in a batch", info->out_max_batch);
	title("module");
	row_count("ABI version", info->out_abi_version);
	row_count("operations", info->out_nr_opcodes ?
				info->out_nr_opcodes - 1 : 0);
	row_count("clauses of the invariant", info->out_nr_clauses);
	row_addr("host table checksum", info->out_host_table);
}

static void print_constants(void)
{
	title("constants");
	row_size("page", VMSTORE_PAGE_SIZE);
	row_count("entries in a node", VMSTORE_NR_ENTRIES);
	row_count("levels", VMSTORE_NR_LEVELS);
	row_size("region is a multiple of", VMSTORE_BLOCK_SIZE);
	row_addr("cursors end below", VMSTORE_USER_END);
	row_addr("user accesses end below", VMSTORE_MAX_USERSPACE_VADDR);
	row_addr("linear window", VMSTORE_KERNEL_BASE);
	row_addr("kernel areas", VMSTORE_KVIRT_BASE);
	row_addr("kernel areas end", VMSTORE_KVIRT_END);
}

/* --- the command ----------------------------------------------------------- */

static const char doc[] =
	"Constants of the model, limits of the module, and what its machines can do:\n"
	"what a script may rely on here.\n"
	"\vExample:\n"
	"  vmstorectl info\n"
	"  vmstorectl info --json | jq .machines.soft.caps";

static int read_info(struct vmstore_info *info)
{
	struct vms_store store;
	int status, ret;

	status = ctl_open(&store);
	if (status)
		return status;
	ret = vms_info(&store, info);
	vms_close(&store);
	return ret ? ctl_call_error(VMS_CALL_INFO, "cannot read", ret) : CTL_OK;
}

int cmd_info(int argc, char **argv)
{
	const struct argp argp = {
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct vms_store closed = { .fd = -1 };
	struct machines machines;
	struct vmstore_info info;
	int status, ret;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	status = read_info(&info);
	if (status)
		return status;
	ret = probe_machines(&info, &machines);
	if (ret)
		return ctl_call_error(VMS_CALL_SETUP, "cannot make a store",
				      ret);
	if (ctl.json) {
		print_json(&info, &machines);
	} else {
		print_machines(&info, &machines);
		print_limits(&info);
		print_constants();
	}
	return ctl_exit(&closed, CTL_OK);
}
