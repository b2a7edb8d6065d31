// SPDX-License-Identifier: GPL-2.0-only
/* vmstore: an executable memory-management model on live page tables. Module entry. */

#include <linux/module.h>

#include "chardev.h"
#include "mmu.h"

static int __init vmstore_init(void)
{
	int err = vms_mmu_live_probe();

	if (err)
		return err;	/* it has said why */
	err = vms_mmu_live_start();
	if (err) {
		pr_err("vmstore: cannot start its threads: %pe\n", ERR_PTR(err));
		return err;
	}
	err = vms_chardev_register();
	if (err) {
		pr_err("vmstore: cannot register /dev/vmstore: %pe\n", ERR_PTR(err));
		vms_mmu_live_stop();
	}
	return err;
}

static void __exit vmstore_exit(void)
{
	vms_chardev_unregister();
	vms_mmu_live_stop();
	rcu_barrier();	/* nothing of ours may run after the module is gone */
}

module_init(vmstore_init);
module_exit(vmstore_exit);

MODULE_DESCRIPTION("Executable memory-management model on live x86-64 page tables");
MODULE_AUTHOR("The vmstore developers");
MODULE_LICENSE("GPL");
