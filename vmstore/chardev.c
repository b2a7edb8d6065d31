// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vmstore: a file is a store, ioctls by one table. */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "chardev.h"
#include "dump.h"
#include "run.h"
#include "inv/inv.h"

/* --- the calls ------------------------------------------------------------------ */

static void vms_info_store(struct vms_store *s, struct vmstore_info *info)
{
	info->out_region_size = s->region.size;
	info->out_mmio_size = s->region.size - vms_slot_paddr(s->region.first_mmio);
	info->out_machine = s->mmu.ops->kind;
	info->out_machine_caps = s->mmu.caps;
	info->out_nr_cpus = s->mmu.nr_cpus;
	info->out_check_mode = s->mode;
	info->out_nr_slots = s->region.nr_slots;
	info->out_free_slots = atomic_read(&s->region.nr_free);
	info->out_ops = atomic64_read(&s->story.last);
	info->out_flush_ops = atomic64_read(&s->tlb.flush_ops);
	info->out_dispatches = atomic64_read(&s->tlb.dispatches);
	info->out_ipis = atomic64_read(&s->tlb.ipis);
	info->out_frozen = READ_ONCE(s->frozen);
	info->out_max_nodes = atomic_read(&s->region.max_nodes);
	info->out_gathered = atomic64_read(&s->tlb.gathered);
}

static long vms_ioctl_info(struct vms_store *s, void *arg)
{
	struct vmstore_info *info = arg;
	u32 size = info->size;

	if (info->flags)
		return -EOPNOTSUPP;
	*info = (struct vmstore_info) {
		.size = size,
		.out_abi_version = VMSTORE_ABI_VERSION,
		.out_nr_opcodes = __VMSTORE_OP_MAX,
		.out_machine = vms_mmu_machines() & BIT(VMSTORE_MACHINE_LIVE) ?
			       VMSTORE_MACHINE_LIVE : VMSTORE_MACHINE_SOFT,
		.out_machines = vms_mmu_machines(),
		.out_nr_clauses = vms_inv_nr_clauses(),
		.out_max_batch = VMSTORE_MAX_BATCH,
		.out_max_region_size = vms_store_max_region(),
		.out_default_region_size = vms_store_default_region(),
		.out_host_table = vms_mmu_live_host_table(),
	};
	if (vms_store_ready(s))
		vms_info_store(s, info);
	return 0;
}

static long vms_ioctl_setup(struct vms_store *s, void *arg)
{
	struct vmstore_setup *setup = arg;

	if (setup->flags)
		return -EOPNOTSUPP;
	return vms_store_setup(s, setup);
}

static long vms_ioctl_run(struct vms_store *s, void *arg)
{
	int err = vms_store_make_ready(s);

	return err ? err : vms_run(s, arg);
}

static int vms_copy_clauses(struct vms_store *s, struct vmstore_check *check)
{
	struct vmstore_clause __user *to = u64_to_user_ptr(check->clauses);
	u32 i, n = min(check->nr_clauses, vms_inv_nr_clauses());

	for (i = 0; i < n; i++) {
		const struct vms_clause *clause = vms_inv_clause(i);
		struct vmstore_clause rec = {
			.evaluated = s->inv->count[i].evaluated,
			.not_vacuous = s->inv->count[i].not_vacuous,
			.violated = s->inv->count[i].violated,
		};

		strscpy(rec.id, clause->id, sizeof(rec.id));
		strscpy(rec.text, clause->text, sizeof(rec.text));
		if (copy_to_user(&to[i], &rec, sizeof(rec)))
			return -EFAULT;
	}
	check->out_stored_clauses = n;
	return 0;
}

static int vms_copy_violations(struct vms_store *s, struct vmstore_check *check)
{
	u32 n = min(check->nr_violations, s->inv->nr_stored);

	if (copy_to_user(u64_to_user_ptr(check->violations), s->inv->violation,
			 n * sizeof(s->inv->violation[0])))
		return -EFAULT;
	check->out_stored_violations = n;
	return 0;
}

static long vms_ioctl_check(struct vms_store *s, void *arg)
{
	struct vmstore_check *check = arg;
	int err;

	if (check->flags)
		return -EOPNOTSUPP;
	if (check->__reserved)
		return -EINVAL;
	if ((check->nr_violations && !check->violations) ||
	    (check->nr_clauses && !check->clauses))
		return -EFAULT;
	check->out_stored_violations = 0;
	check->out_stored_clauses = 0;
	err = vms_store_make_ready(s);
	if (err)
		return err;
	err = vms_store_lock_quiet(s);
	if (err)
		return err;
	if (vms_inv_check(s))
		vms_story_end(&s->story);
	vms_store_unlock_quiet(s);
	/* The report only ever grows and moves nowhere: no lock while copying it */
	check->out_violations = s->inv->nr_violations;
	check->out_clauses = vms_inv_nr_clauses();
	err = vms_copy_violations(s, check);
	return err ? err : vms_copy_clauses(s, check);
}

#define VMS_DUMP_BOUNCE		(64 << 10)

/* A state in which no operation is under way, unless the section is a live one */
static int vms_dump_state(struct vms_store *s, struct vmstore_dump *dump,
			  struct vms_dump_out *out)
{
	bool quiet = !vms_dump_is_live(dump->section);
	int err = quiet ? vms_store_lock_quiet(s) : 0;

	if (err)
		return err;
	err = vms_dump(s, dump->section, out);
	dump->out_generation = atomic64_read(&s->generation);
	if (quiet)
		vms_store_unlock_quiet(s);
	return err;
}

static long vms_ioctl_dump(struct vms_store *s, void *arg)
{
	struct vmstore_dump *dump = arg;
	size_t rec_size = vms_dump_rec_size(dump->section);
	struct vms_dump_out out = { .pos = { dump->pos[0], dump->pos[1] } };
	int err = 0;

	if (dump->flags & ~(vms_dump_is_live(dump->section) ? VMSTORE_DUMP_WAIT : 0))
		return -EOPNOTSUPP;
	if (dump->__reserved || !rec_size || dump->rec_size != rec_size ||
	    dump->buf_len < rec_size)
		return -EINVAL;
	/* Before the store is made, which whoever runs the first operation may want to do */
	if (dump->flags & VMSTORE_DUMP_WAIT)
		err = vms_story_wait(&s->story, dump->pos[0]);
	if (!err)
		err = vms_store_make_ready(s);
	if (err)
		return err;

	out.len = min_t(size_t, dump->buf_len, VMS_DUMP_BOUNCE);
	out.buf = kvzalloc(out.len, GFP_KERNEL_ACCOUNT);
	if (!out.buf)
		return -ENOMEM;
	err = vms_dump_state(s, dump, &out);
	if (!err && copy_to_user(u64_to_user_ptr(dump->buf), out.buf, out.used))
		err = -EFAULT;
	dump->pos[0] = out.pos[0];
	dump->pos[1] = out.pos[1];
	dump->out_len = out.used;
	dump->out_more = out.more;
	kvfree(out.buf);
	return err;
}

/* --- dispatch ---------------------------------------------------------------------- */

/**
 * struct vms_ioctl - one call
 * @run: does it; the argument is in kernel memory, zero-extended to its full size
 * @has_out: the structure has fields for the caller to read
 * @size: of the argument's structure now
 * @min_size: of its first published version
 */
struct vms_ioctl {
	long (*run)(struct vms_store *s, void *arg);
	bool has_out;
	u32 size;
	u32 min_size;
};

#define VMS_IOCTL(name, fn, out, type)					\
	[_IOC_NR(VMSTORE_##name)] = {					\
		.run = fn, .has_out = out, .size = sizeof(struct type),	\
		.min_size = sizeof(struct type) }

static const struct vms_ioctl vms_ioctls[] = {
	VMS_IOCTL(INFO, vms_ioctl_info, true, vmstore_info),
	VMS_IOCTL(SETUP, vms_ioctl_setup, false, vmstore_setup),
	VMS_IOCTL(RUN, vms_ioctl_run, true, vmstore_run),
	VMS_IOCTL(CHECK, vms_ioctl_check, true, vmstore_check),
	VMS_IOCTL(DUMP, vms_ioctl_dump, true, vmstore_dump),
};

union vms_ioctl_arg {
	u32 size;
	struct vmstore_info info;
	struct vmstore_setup setup;
	struct vmstore_run run;
	struct vmstore_check check;
	struct vmstore_dump dump;
};

static long vms_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	void __user *user = (void __user *)uarg;
	const struct vms_ioctl *call;
	union vms_ioctl_arg arg = {};
	unsigned int nr = _IOC_NR(cmd);
	u32 usize, size;
	long err;

	if (nr >= ARRAY_SIZE(vms_ioctls) || cmd != _IO(VMSTORE_IOC_TYPE, nr))
		return -ENOTTY;
	call = &vms_ioctls[array_index_nospec(nr, ARRAY_SIZE(vms_ioctls))];

	if (get_user(usize, (u32 __user *)user))
		return -EFAULT;
	if (usize < call->min_size)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&arg, call->size, user, usize);
	if (err)
		return err;
	if (arg.size != usize)	/* changed between the two reads */
		return -EINVAL;

	size = min(usize, call->size);
	/* A place that cannot be written is found out before anything happens */
	if (call->has_out && copy_to_user(user, &arg, size))
		return -EFAULT;
	err = call->run(file->private_data, &arg);
	/* RUN tells how far it came also when it was interrupted */
	if (call->has_out && copy_to_user(user, &arg, size) && !err)
		err = -EFAULT;
	return err;
}

static int vms_open(struct inode *inode, struct file *file)
{
	struct vms_store *s;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	s = vms_store_create();
	if (!s)
		return -ENOMEM;
	file->private_data = s;
	return nonseekable_open(inode, file);
}

static int vms_release(struct inode *inode, struct file *file)
{
	vms_store_destroy(file->private_data);
	return 0;
}

static const struct file_operations vms_fops = {
	.owner = THIS_MODULE,
	.open = vms_open,
	.release = vms_release,
	.unlocked_ioctl = vms_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vms_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vmstore",
	.fops = &vms_fops,
	.mode = 0600,
};

/* vms_chardev_register - from now on there are callers */
int vms_chardev_register(void)
{
	return misc_register(&vms_misc);
}

void vms_chardev_unregister(void)
{
	misc_deregister(&vms_misc);
}
