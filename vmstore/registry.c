// SPDX-License-Identifier: GPL-2.0-only
/* Id spaces: see registry.h for the states of an id. */

#include <linux/err.h>

#include "registry.h"
#include "wrong.h"

/**
 * vms_registry_init - an empty id space
 * @reg: zeroed
 * @max: most entries allowed
 * @kind: of its entries, VMS_TOUCH_*
 */
void vms_registry_init(struct vms_registry *reg, int max, u32 kind)
{
	xa_init_flags(&reg->xa, XA_FLAGS_ACCOUNT);
	reg->max = max;
	reg->kind = kind;
}

/* vms_registry_exit - free the id space, not what its entries point at */
void vms_registry_exit(struct vms_registry *reg)
{
	xa_destroy(&reg->xa);
}

/**
 * vms_registry_reserve - a fresh id, in hand, with the memory for its entry
 * @reg: registry
 * @id: out
 *
 * May sleep.
 *
 * Return: 0, -ENOSPC too many entries, -ENOMEM.
 */
int vms_registry_reserve(struct vms_registry *reg, u64 *id)
{
	int err;

	if (atomic_inc_return(&reg->count) > reg->max) {
		atomic_dec(&reg->count);
		return -ENOSPC;
	}
	*id = atomic64_inc_return(&reg->last);
	err = xa_reserve(&reg->xa, *id, GFP_KERNEL_ACCOUNT);
	if (err)
		atomic_dec(&reg->count);
	return err;
}

/* A locked look at an id: its entry, or -ENOENT absent, or -EBUSY in hand */
static void *vms_registry_peek(struct xa_state *xas)
{
	void *entry = xas_load(xas);

	if (!entry)
		return ERR_PTR(-ENOENT);
	return xa_is_zero(entry) ? ERR_PTR(-EBUSY) : entry;
}

/**
 * vms_registry_insert - make an id present
 * @reg: registry
 * @id: in the caller's hand
 * @entry: what it names
 *
 * Any context that may take a spinlock.
 *
 * Return: 0; -EEXIST it is present; -EINVAL nobody has it in hand.
 */
int vms_registry_insert(struct vms_registry *reg, u64 id, void *entry)
{
	XA_STATE(xas, &reg->xa, id);
	int err;

	vms_touch_id(reg->touch, reg->kind, id);
	if (VMS_WRONG(HANDLE_FORGOTTEN) && reg->kind == VMS_TOUCH_FRAMES) {
		vms_registry_release(reg, id);
		return 0;
	}
	xas_lock(&xas);
	err = PTR_ERR_OR_ZERO(vms_registry_peek(&xas));
	if (err == -EBUSY)
		xas_store(&xas, entry);	/* over the reserved one: wants no memory */
	xas_unlock(&xas);
	if (err == -EBUSY)
		return 0;
	return err ? -EINVAL : -EEXIST;
}

/**
 * vms_registry_extract - take an entry out; the id is in the caller's hand then
 * @reg: registry
 * @id: which
 *
 * Any context that may take a spinlock.
 *
 * Return: the entry; -ENOENT absent; -EBUSY another operation has it in hand.
 */
void *vms_registry_extract(struct vms_registry *reg, u64 id)
{
	XA_STATE(xas, &reg->xa, id);
	void *entry;

	xas_lock(&xas);
	entry = vms_registry_peek(&xas);
	if (!IS_ERR(entry))
		xas_store(&xas, XA_ZERO_ENTRY);
	xas_unlock(&xas);
	if (!IS_ERR(entry))
		vms_touch_id(reg->touch, reg->kind, id);
	return entry;
}

/* vms_registry_release - an id in the caller's hand is absent, for good */
void vms_registry_release(struct vms_registry *reg, u64 id)
{
	xa_release(&reg->xa, id);
	if (!VMS_WRONG(HANDLES_MISCOUNTED))
		atomic_dec(&reg->count);
}

/**
 * vms_registry_with - work with an entry while nobody can take it out
 * @reg: registry
 * @id: which
 * @fn: called with the registry locked: short, and does not sleep
 * @arg: for @fn
 *
 * Return: what @fn returns; -ENOENT absent; -EBUSY another operation has it in hand.
 */
int vms_registry_with(struct vms_registry *reg, u64 id,
		      int (*fn)(void *entry, void *arg), void *arg)
{
	XA_STATE(xas, &reg->xa, id);
	void *entry;
	int err;

	xas_lock(&xas);
	entry = vms_registry_peek(&xas);
	err = IS_ERR(entry) ? PTR_ERR(entry) : fn(entry, arg);
	xas_unlock(&xas);
	return err;
}
