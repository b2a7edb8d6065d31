// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: a CPU on a private root, beside Linux.
 *
 *	set loaded[cpu]; smp_mb; CR3 = private root (PCID 0, flushed)
 *	accesses
 *	CR3 = as it was; clear loaded[cpu]
 *
 * The upper half of the root is that of Linux's current top-level table, copied at
 * each entry, so that code, stack, buffers, NMIs and faults work as ever. Only the
 * slot at VMSTORE_KERNEL_BASE is the module's: entry 256, in Linux's guard hole.
 * Linux's own tables are read and never written.
 *
 *	4-level: CR3 -> root:  0..255 user half, 256 private, 257..511 Linux
 *	5-level: CR3 -> top:   0 root, 256..510 Linux, 511 P4D copy
 *		 P4D copy:     256 private, all others Linux
 *		 root:	       0..255 user half, nothing else
 *
 * Root and top have physical bit 12 clear: under page-table isolation an NMI would
 * take a CR3 with that bit for a user one and switch to the neighbouring page.
 *
 * Whatever the hardware may not meet in the user half, reserved bits above all, is
 * looked for in software first: the oops would come before the exception table.
 */

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kcsan-checks.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/asm.h>
#include <asm/processor-flags.h>
#include <asm/smap.h>
#include <asm/special_insns.h>

#include "mmu_window.h"

#define VMS_CR3_BAD_BIT		BIT_ULL(12)

/* Accesses that fault although the tables permit them: changed meanwhile. Try again */
#define VMS_WINDOW_RETRIES	8

/* CR3 of Linux while a window is open, else 0; IRQs off or preemption off */
static DEFINE_PER_CPU(unsigned long, vms_host_cr3);

/* vms_host_5level - does the CPU run with 5-level paging? */
bool vms_host_5level(void)
{
	return native_read_cr4() & X86_CR4_LA57;
}

/**
 * vms_host_top - Linux's top-level table on this CPU
 *
 * Also in a window, however many are open. Preemption off.
 *
 * Return: the table the CPU walks when no window is open.
 */
u64 *vms_host_top(void)
{
	unsigned long cr3 = this_cpu_read(vms_host_cr3) ?: __native_read_cr3();

	return __va(cr3 & VMS_PTE_PA_MASK);
}

/**
 * vms_host_priv_table - Linux's table whose entry 256 is at VMSTORE_KERNEL_BASE
 *
 * The top level, or with 5 levels the P4D page of the last slot. Preemption off.
 *
 * Return: the table, or NULL when it is none.
 */
u64 *vms_host_priv_table(void)
{
	u64 *top = vms_host_top();
	u64 pte;

	if (!vms_host_5level())
		return top;
	pte = READ_ONCE(top[VMS_LAST_INDEX]);
	if (!(pte & VMS_PTE_PRESENT) || (pte & VMS_PTE_PS))
		return NULL;
	return __va(pte & VMS_PTE_PA_MASK);
}

/**
 * vms_window_root_init - prepare a root for windows
 * @m: machine
 * @r: root, whose pa and entries are set
 *
 * May sleep.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int vms_window_root_init(struct vms_mmu *m, struct vms_root *r)
{
	u64 *top;

	r->priv = NULL;
	if (WARN_ON_ONCE(r->pa & VMS_CR3_BAD_BIT))
		return -EINVAL;
	vms_root_clear_upper(r);
	if (m->kernel_in_root) {
		WRITE_ONCE(r->entries[VMS_PRIV_INDEX], m->kernel_pte);
		return 0;
	}
	/* Two pages: the top level at the even one, the P4D copy behind it */
	top = (u64 *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 1);
	if (!top)
		return -ENOMEM;
	top[0] = vms_pte_make_table(r->pa);
	top[VMS_LAST_INDEX] = vms_pte_make_table(__pa(top + VMS_NR_ENTRIES));
	top[VMS_NR_ENTRIES + VMS_PRIV_INDEX] = m->kernel_pte;
	r->priv = top;
	return 0;
}

/* vms_window_root_exit - undo vms_window_root_init(); no window is open on @r */
void vms_window_root_exit(struct vms_mmu *m, struct vms_root *r)
{
	free_pages((unsigned long)r->priv, 1);
	r->priv = NULL;
	vms_root_clear_upper(r);
}

/* Make @to as @from, but for entry @skip; other CPUs may do the same or walk it */
static void vms_window_copy(u64 *to, const u64 *from, int first, int end, int skip)
{
	int i;

	for (i = first; i < end; i++) {
		u64 pte = READ_ONCE(from[i]);

		if (i != skip && ((READ_ONCE(to[i]) ^ pte) & ~VMS_PTE_ACCESSED))
			WRITE_ONCE(to[i], pte);
	}
}

/*
 * Bring the upper half up to date and return what to load. The slot of the LDT stays
 * absent: it is for user mode, and its tables go with the process.
 */
static unsigned long vms_window_prepare(struct vms_root *r)
{
	u64 *top = r->priv;

	if (!top) {
		vms_window_copy(r->entries, vms_host_top(), VMS_PRIV_INDEX + 1,
				VMS_NR_ENTRIES, VMS_LDT_INDEX);
		return r->pa;
	}
	vms_window_copy(top, vms_host_top(), VMS_NR_ENTRIES / 2, VMS_LAST_INDEX,
			VMS_LDT_INDEX);
	vms_window_copy(top + VMS_NR_ENTRIES, vms_host_priv_table(), 0, VMS_NR_ENTRIES,
			VMS_PRIV_INDEX);
	return __pa(top);
}

/*
 * 6.1 would not come back from a fault in a process without this. An IPI counts
 * pagefault_disabled of the task that it interrupts up and down again: no race, whatever
 * that task was doing with it.
 */
static notrace void vms_window_hold_faults(void)
{
	kcsan_disable_current();
	pagefault_disable();
	kcsan_enable_current();
}

static notrace void vms_window_release_faults(void)
{
	kcsan_disable_current();
	pagefault_enable();
	kcsan_enable_current();
}

/**
 * vms_window_enter - load a private root
 * @w: window, to be left on the same CPU
 * @r: root
 *
 * IRQs off. Windows nest: an IPI that lands in one may open its own.
 */
notrace __no_kcsan void vms_window_enter(struct vms_window *w, struct vms_root *r)
{
	int cpu = smp_processor_id();

	vms_window_hold_faults();
	w->root = r;
	w->outer_loaded = !VMS_OMIT(WINDOW_SET) && !VMS_OMIT(WINDOW_BARRIER) &&
			  test_and_set_bit(cpu, r->loaded.bits);
	/* Pairs with the one of the dispatcher, between the entries and the mask */
	smp_mb__after_atomic();
	w->saved = __native_read_cr3();
	w->outer_host = this_cpu_read(vms_host_cr3);
	if (!w->outer_host)
		this_cpu_write(vms_host_cr3, w->saved);
	w->cr3 = vms_window_prepare(r);
	native_write_cr3(w->cr3);
	if (VMS_OMIT(WINDOW_LEAVES))
		clear_bit(cpu, r->loaded.bits);
}

/**
 * vms_window_leave - load what was loaded before
 * @w: window
 *
 * Not if the root is not loaded any more: then what is loaded is Linux's choice. IRQs
 * off.
 */
notrace __no_kcsan void vms_window_leave(struct vms_window *w)
{
	/* Bit 63 reads as 0, so this flushes */
	if (vms_window_is_open(w))
		native_write_cr3(w->saved);
	this_cpu_write(vms_host_cr3, w->outer_host);
	/* Whoever sees the bit clear may reuse what the window could read */
	smp_mb__before_atomic();
	if (!w->outer_loaded)
		clear_bit(smp_processor_id(), w->root->loaded.bits);
	vms_window_release_faults();
}

/*
 * One mov that may fault. STAC in either half, so that the USER bit of an entry
 * decides nothing, also in the kernel half. On a fault the exception table leads to
 * label 2 with the trap number in rax.
 */
#define vms_window_mov(insn, trap, val, va)				\
({									\
	asm volatile(ASM_STAC "\n"					\
		     "1:	" insn "\n"				\
		     "2:	" ASM_CLAC "\n"				\
		     _ASM_EXTABLE_FAULT(1b, 2b)				\
		     : "+a"(trap), [v] "+&r"(val)			\
		     : [at] "r"(va)					\
		     : "memory");					\
})

/* Return: 0 or the number of the trap */
static notrace u64 vms_window_one(u64 va, void *buf, size_t len, bool write)
{
	u64 trap = 0, val = 0;

	if (write) {
		memcpy(&val, buf, len);
		switch (len) {
		case 1:
			vms_window_mov("movb %b[v], (%[at])", trap, val, va);
			break;
		case 2:
			vms_window_mov("movw %w[v], (%[at])", trap, val, va);
			break;
		case 4:
			vms_window_mov("movl %k[v], (%[at])", trap, val, va);
			break;
		case 8:
			vms_window_mov("movq %q[v], (%[at])", trap, val, va);
			break;
		}
		return trap;
	}
	switch (len) {
	case 1:
		vms_window_mov("movb (%[at]), %b[v]", trap, val, va);
		break;
	case 2:
		vms_window_mov("movw (%[at]), %w[v]", trap, val, va);
		break;
	case 4:
		vms_window_mov("movl (%[at]), %k[v]", trap, val, va);
		break;
	case 8:
		vms_window_mov("movq (%[at]), %q[v]", trap, val, va);
		break;
	}
	if (!trap)
		memcpy(buf, &val, len);
	return trap;
}

/* The longest aligned access at @va of at most @len bytes, which is not 0 */
static size_t vms_window_chunk(u64 va, size_t len)
{
	size_t n = 8;

	while (n > len || va % n)
		n /= 2;
	return n;
}

/*
 * Aligned words, one after the other. @nr is how many are left when one faults.
 *
 * Return: 0 or the number of the trap.
 */
static notrace u64 vms_window_words(u64 va, void *buf, size_t *nr, bool write)
{
	u64 from = write ? (u64)buf : va;
	u64 to = write ? va : (u64)buf;
	size_t left = *nr;
	u64 trap = 0;

	asm volatile(ASM_STAC "\n"
		     "1:	rep movsq\n"
		     "2:	" ASM_CLAC "\n"
		     _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a"(trap), "+c"(left), "+S"(from), "+D"(to)
		     :
		     : "memory");
	*nr = left;
	return trap;
}

/* Up to byte @end. Return: 0 or the number of the trap; what was done is in @a */
static notrace u64 vms_window_copy_out(struct vms_access *a, size_t end)
{
	while (a->done < end) {
		u64 va = a->va + a->done;
		size_t n = vms_window_chunk(va, end - a->done);
		size_t words = (end - a->done) / sizeof(u64);
		size_t left = words;
		u64 trap;

		if (n == sizeof(u64) && words > 1) {
			trap = vms_window_words(va, a->buf + a->done, &left, a->write);
			n = (words - left) * sizeof(u64);
		} else {
			trap = vms_window_one(va, a->buf + a->done, n, a->write);
			n = trap ? 0 : n;
		}
		a->done += n;
		if (trap)
			return trap;
	}
	return 0;
}

/*
 * In the window, up to byte @end, which is on the page where the access stands. The
 * hardware tells that it faulted, not why: the tables tell that. If they say that nothing
 * is wrong, they were changed since, as for any kernel whose page-fault handler finds
 * nothing to do.
 */
static notrace int vms_window_do_page(struct vms_mmu *m, struct vms_root *r,
				      struct vms_access *a, size_t end)
{
	struct vms_walk w;
	int retries;
	int err;

	for (retries = 0;; retries++) {
		err = vms_mmu_walk(m, r, a->va + a->done, &w);
		if (err)
			return err;
		if (retries) {
			a->fault = vms_walk_fault(&w, a->write);
			if (a->fault)
				return 0;
			if (retries == VMS_WINDOW_RETRIES)
				break;
		}
		if (!vms_window_copy_out(a, end))
			return 0;
	}
	/* Permitted by the tables and still refused, say by a protection key */
	a->fault = VMSTORE_FAULT_TAKEN | VMSTORE_FAULT_PRESENT |
		   (a->write ? VMSTORE_FAULT_WRITE : 0);
	return 0;
}

/**
 * vms_window_access - load or store in the open window
 * @m: machine
 * @r: root of the window
 * @a: valid access; done and fault are written
 *
 * IRQs off, page faults disabled.
 *
 * Return: 0, or -EIO when an entry on the way was not written by vmstore.
 */
notrace int vms_window_access(struct vms_mmu *m, struct vms_root *r, struct vms_access *a)
{
	int err = 0;

	while (!err && !a->fault && a->done < a->len) {
		size_t page = VMS_PAGE_SIZE - (a->va + a->done) % VMS_PAGE_SIZE;

		err = vms_window_do_page(m, r, a, a->done + min(page, a->len - a->done));
	}
	VMS_MEANWHILE(WINDOW);
	if (VMS_OMIT(WINDOW_BARRIER))
		set_bit(smp_processor_id(), r->loaded.bits);
	return err;
}
