//@ head
// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * @TITLE@
 *
 * Performs a counterexample that clearorder found in the design "@DESIGN@",
 * and checks what KVM shows after every move. A page that is lost by the design
 * is an expected failure (XFAIL); a kernel that does not do what its
 * documentation promises is a failure.
 *
 * For tools/testing/selftests/kvm of Linux 6.12 and later: put this file there
 * and add it to TEST_GEN_PROGS_x86_64 (since 6.14 TEST_GEN_PROGS_x86).
 *
 * Design digest: @DIGEST@
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest.h"

#define PAGES		@PAGES@	/* of the model */
#define CLIENTS		@CLIENTS@
#define VCPUS		@VCPUS@
#define STRIDE		@STRIDE@	/* model pages lie so far apart in the slot */
#define SLOT		10
#define SLOT_PAGES	(PAGES * STRIDE)
#define SLOT_GPA	0x10000000UL
@RINGS@

struct mailbox {
	uint64_t *where;
	uint64_t value;
};

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpus[VCPUS];
static struct mailbox *mailbox[VCPUS];

static void guest_code(struct mailbox *from_host)
{
	for (;;) {
		WRITE_ONCE(*from_host->where, from_host->value);
		GUEST_SYNC(0);
	}
}

//@ say
static void say(bool ok, const char *text)
{
	ksft_test_result(ok, "%s\n", text);
}

static void say_skipped(const char *text, const char *why)
{
	ksft_inc_xskip_cnt();
	printf("ok %u %s # SKIP %s\n", ksft_test_num(), text, why);
}

//@ say_expected
/* Not ksft_test_result_xfail(): KTAP has the description before the '#'. */
static void say_expected(const char *text, const char *why)
{
	ksft_inc_xfail_cnt();
	printf("ok %u %s # XFAIL %s\n", ksft_test_num(), text, why);
}

//@ set_up
static void create_vm(void)
{
	vm = vm_create(VCPUS);
@ENABLE@
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, SLOT_GPA, SLOT,
				    SLOT_PAGES, 0);
	virt_map(vm, SLOT_GPA, SLOT_GPA, SLOT_PAGES);
}

static void create_vcpu(unsigned int vcpu)
{
	vm_vaddr_t at = vm_vaddr_alloc_page(vm);

	mailbox[vcpu] = addr_gva2hva(vm, at);
	vcpus[vcpu] = vm_vcpu_add(vm, vcpu, guest_code);
	vcpu_args_set(vcpus[vcpu], 1, at);
}

static void start_log(void)
{
	vm_mem_region_set_flags(vm, SLOT, KVM_MEM_LOG_DIRTY_PAGES);
}

//@ page_at
static uint64_t *page_at(unsigned int page)
{
	return addr_gpa2hva(vm, SLOT_GPA + (uint64_t)page * STRIDE * vm->page_size);
}

//@ vcpu_store
static void vcpu_store(unsigned int vcpu, unsigned int page, uint64_t value)
{
	struct ucall uc;

	mailbox[vcpu]->where = (void *)(SLOT_GPA + (uintptr_t)page * STRIDE * vm->page_size);
	mailbox[vcpu]->value = value;
	vcpu_run(vcpus[vcpu]);
	TEST_ASSERT(get_ucall(vcpus[vcpu], &uc) == UCALL_SYNC,
		    "vCPU %u left for exit reason %u", vcpu, vcpus[vcpu]->run->exit_reason);
}

//@ get_ioctl: bitmap
static void get_ioctl(void)
{
	kvm_vm_get_dirty_log(vm, SLOT, bitmap);
}

//@ clear_ioctl: bitmap
static void clear_ioctl(void)
{
	kvm_vm_clear_dirty_log(vm, SLOT, bitmap, 0, SLOT_PAGES);
}

//@ map_ring: rings
static void map_ring(unsigned int vcpu)
{
	ring[vcpu].entry = vcpu_map_dirty_ring(vcpus[vcpu]);
}

//@ reset_ioctl
static int reset_ioctl(void)
{
	return kvm_vm_reset_dirty_ring(vm);
}

//@ main
/* What the design does, and what every client has in the end. */
static void all_moves(void)
{
@MOVES@
}

int main(void)
{
	ksft_print_header();
@REQUIRE@
	create_vm();
	for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++)
		create_vcpu(vcpu);
@READY@
	ksft_set_plan(@TESTS@);
	all_moves();

	kvm_vm_free(vm);
	ksft_finished();
}
