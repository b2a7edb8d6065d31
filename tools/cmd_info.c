// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmstorectl info: constants, limits and the machine
 */
#include <string.h>

#include "ctl.h"
#include "out.h"
#include "show.h"

typedef unsigned long long ull;

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

#define NR_CAPS	(sizeof(caps) / sizeof(caps[0]))

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
	default:
		return "?";
	}
}

/* --- for machines ---------------------------------------------------------- */

static json_object *json_caps(__u32 bits)
{
	json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < NR_CAPS; i++) {
		if (bits & caps[i].bit)
			json_object_array_add(array, json_object_new_string(
						caps[i].name));
	}
	return array;
}

static json_object *json_machines(__u32 bits)
{
	json_object *array = json_object_new_array();
	__u32 i;

	for (i = VMSTORE_MACHINE_LIVE; i <= VMSTORE_MACHINE_SOFT; i++) {
		if (bits & 1u << i)
			json_object_array_add(array, json_object_new_string(
						vms_machine_name(i)));
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
	json_object_object_add(object, "machines",
			       json_machines(info->out_machines));
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

static void json_constants(json_object *object)
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
	json_object_object_add(object, "constants", constants);
}

/* --- for people ------------------------------------------------------------ */

static void title(const char *text)
{
	printf("%s%s%s\n", out_on(ctl.color, OUT_BOLD), text,
	       out_on(ctl.color, OUT_PLAIN));
}

static void row(const char *key)
{
	printf("  %-26s ", key);
}

static void row_count(const char *key, __u64 value)
{
	row(key);
	printf("%llu\n", (ull)value);
}

static void row_addr(const char *key, __u64 value)
{
	row(key);
	printf("%#llx\n", (ull)value);
}

static void row_size(const char *key, __u64 value)
{
	char buf[24];

	row(key);
	printf("%s\n", out_size_text(value, buf));
}

static void print_machine(const struct vmstore_info *info)
{
	size_t i;
	__u32 m;

	title("machine");
	row("usable machines");
	for (m = VMSTORE_MACHINE_LIVE; m <= VMSTORE_MACHINE_SOFT; m++) {
		if (info->out_machines & 1u << m)
			printf("%s ", vms_machine_name(m));
	}
	putchar('\n');
	row("default");
	printf("%s\n", vms_machine_name(info->out_machine));
	row_count("CPUs", info->out_nr_cpus);
	for (i = 0; i < NR_CAPS; i++) {
		row(caps[i].name);
		printf("%-3s  %s\n", info->out_machine_caps & caps[i].bit ?
				     "yes" : "no", caps[i].text);
	}
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
	"Constants of the model, limits of the module, and what the machine "
	"can do: what a script may rely on here."
	"\v"
	"Example:\n"
	"  vmstorectl info\n"
	"  vmstorectl info --json | jq .machine_caps";

int cmd_info(int argc, char **argv)
{
	const struct argp argp = {
		.doc = doc, .children = CTL_COMMON_CHILDREN,
	};
	struct vmstore_info info;
	struct vms_store store;
	json_object *object;
	int status, ret;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	status = ctl_open(&store);
	if (status)
		return status;
	ret = vms_info(&store, &info);
	if (ret) {
		status = ctl_call_error(VMS_CALL_INFO, "cannot read", ret);
	} else if (ctl.json) {
		object = vms_json_info(&info);
		json_constants(object);
		out_json_print(object);
	} else {
		print_machine(&info);
		print_limits(&info);
		print_constants();
	}
	return ctl_exit(&store, status);
}
