//@ head
// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * @TITLE@
 *
 * Performs a counterexample that clearorder found in the design "@DESIGN@",
 * with raw ioctls, and checks what KVM shows after every move. A page that is
 * lost by the design is an expected failure (XFAIL); a kernel that does not do
 * what its documentation promises is a failure.
 *
 * gcc -Wall -Wextra -Werror -o loss this_file.c && ./loss
 *
 * Design digest: @DIGEST@
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

#define KSFT_PASS	0
#define KSFT_FAIL	1
#define KSFT_SKIP	4

static void skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	exit(KSFT_SKIP);
}

#ifndef __x86_64__
int main(void)
{
	printf("KTAP version 1\n");
	skip("x86-64 only");
}
#else

#define PAGE		4096UL
#define PAGES		@PAGES@	/* of the model */
#define CLIENTS		@CLIENTS@
#define VCPUS		@VCPUS@
#define STRIDE		@STRIDE@	/* model pages lie so far apart in the slot */
#define SLOT		0
#define SLOT_PAGES	(PAGES * STRIDE)
#define SLOT_GPA	0x100000UL
#define BOOT_SLOT	1
#define BOOT_PAGES	(5 + VCPUS)
#define CODE_GPA	0x1000UL
#define PML4_GPA	0x2000UL
#define PDPT_GPA	0x3000UL
#define PD_GPA		0x4000UL
#define MAILBOX_GPA	0x5000UL
@RINGS@

/* At CPL 3 with IOPL 3; rsi points to the mailbox. */
static const uint8_t guest_code[] = {
@CODE@};

static int kvm_fd, vm_fd, vcpu_fd[VCPUS], tests, passed, expected, skips;
static struct kvm_run *run[VCPUS];
static uint8_t *boot, *slot;

static void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(KSFT_FAIL);
}

static int call(int fd, unsigned long request, const void *arg, const char *name)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		bail_out(name);
	return ret;
}
#define CALL(fd, request, arg) call(fd, request, (const void *)(arg), #request)

static void *memory(size_t pages)
{
	void *found = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (found == MAP_FAILED)
		bail_out("mmap");
	return found;
}

static void set_slot(uint32_t id, uint32_t flags, uint64_t gpa, size_t pages, void *at)
{
	struct kvm_userspace_memory_region region = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = pages * PAGE, .userspace_addr = (uintptr_t)at,
	};

	CALL(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

//@ say
static void say(bool ok, const char *text)
{
	printf("%s %d %s\n", ok ? "ok" : "not ok", ++tests, text);
	passed += ok;
}

static void say_skipped(const char *text, const char *why)
{
	printf("ok %d %s # SKIP %s\n", ++tests, text, why);
	skips++;
}

//@ say_expected
static void say_expected(const char *text, const char *why)
{
	printf("ok %d %s # XFAIL %s\n", ++tests, text, why);
	expected++;
}

//@ enable
static void enable(uint32_t cap, int arg, const char *missing)
{
	struct kvm_enable_cap enabled = { .cap = cap, .args = { arg } };

	if (ioctl(vm_fd, KVM_CHECK_EXTENSION, cap) < arg)
		skip(missing);
	CALL(vm_fd, KVM_ENABLE_CAP, &enabled);
}

//@ set_up
static void create_vm(void)
{
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		skip("/dev/kvm cannot be opened");
	vm_fd = CALL(kvm_fd, KVM_CREATE_VM, 0);
@ENABLE@
	boot = memory(BOOT_PAGES);
	slot = memory(SLOT_PAGES);
	set_slot(BOOT_SLOT, 0, 0, BOOT_PAGES, boot);
	set_slot(SLOT, 0, SLOT_GPA, SLOT_PAGES, slot);

	memcpy(boot + CODE_GPA, guest_code, sizeof(guest_code));
	/* An identity map; accessed and dirty are set, so walking writes nothing. */
	*(uint64_t *)(boot + PML4_GPA) = PDPT_GPA | 0x27;
	*(uint64_t *)(boot + PDPT_GPA) = PD_GPA | 0x27;
	for (uint64_t i = 0; i < 512; i++)
		((uint64_t *)(boot + PD_GPA))[i] = i << 21 | 0xe7;
}

static void set_cpuid(int fd)
{
	const int entries = 200;
	struct kvm_cpuid2 *cpuid;

	cpuid = calloc(1, sizeof(*cpuid) + entries * sizeof(cpuid->entries[0]));
	if (!cpuid)
		bail_out("calloc");
	cpuid->nent = entries;
	CALL(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	CALL(fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void create_vcpu(unsigned int vcpu)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 0x0b, .type = 0xb, .present = 1,
		.dpl = 3, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x13, .type = 3, .present = 1,
		.dpl = 3, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_regs regs = {
		.rip = CODE_GPA, .rsi = MAILBOX_GPA + vcpu * PAGE, .rflags = 0x3002,
	};
	struct kvm_sregs sregs;
	int fd, size;

	fd = CALL(vm_fd, KVM_CREATE_VCPU, (uintptr_t)vcpu);
	size = CALL(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	vcpu_fd[vcpu] = fd;
	run[vcpu] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run[vcpu] == MAP_FAILED)
		bail_out("mmap of a vCPU");
	set_cpuid(fd);

	CALL(fd, KVM_GET_SREGS, &sregs);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = 0x80010033;
	sregs.cr3 = PML4_GPA;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	CALL(fd, KVM_SET_SREGS, &sregs);
	CALL(fd, KVM_SET_REGS, &regs);
}

static void start_log(void)
{
	set_slot(SLOT, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, SLOT_PAGES, slot);
}

//@ page_at
static uint64_t *page_at(unsigned int page)
{
	return (uint64_t *)(slot + page * STRIDE * PAGE);
}

//@ vcpu_store
static void vcpu_store(unsigned int vcpu, unsigned int page, uint64_t value)
{
	uint64_t *mailbox = (uint64_t *)(boot + MAILBOX_GPA + vcpu * PAGE);

	mailbox[0] = SLOT_GPA + page * STRIDE * PAGE;
	mailbox[1] = value;
	while (ioctl(vcpu_fd[vcpu], KVM_RUN, 0) < 0)
		if (errno != EINTR)
			bail_out("KVM_RUN");
	if (run[vcpu]->exit_reason != KVM_EXIT_IO) {
		printf("Bail out! exit reason %u\n", run[vcpu]->exit_reason);
		exit(KSFT_FAIL);
	}
}

//@ get_ioctl: bitmap
static void get_ioctl(void)
{
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };

	CALL(vm_fd, KVM_GET_DIRTY_LOG, &log);
}

//@ clear_ioctl: bitmap
static void clear_ioctl(void)
{
	struct kvm_clear_dirty_log log = {
		.slot = SLOT, .num_pages = SLOT_PAGES, .dirty_bitmap = bitmap,
	};

	CALL(vm_fd, KVM_CLEAR_DIRTY_LOG, &log);
}

//@ map_ring: rings
#define RING_OFFSET	(KVM_DIRTY_LOG_PAGE_OFFSET * PAGE)

static void map_ring(unsigned int vcpu)
{
	ring[vcpu].entry = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
				MAP_SHARED, vcpu_fd[vcpu], RING_OFFSET);
	if (ring[vcpu].entry == MAP_FAILED)
		bail_out("mmap of a ring");
}

//@ reset_ioctl
static int reset_ioctl(void)
{
	return CALL(vm_fd, KVM_RESET_DIRTY_RINGS, 0);
}

//@ main
/* What the design does, and what every client has in the end. */
static void all_moves(void)
{
@MOVES@
}

int main(void)
{
	int failed;

	printf("KTAP version 1\n");
	create_vm();
	for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++)
		create_vcpu(vcpu);
@READY@
	printf("1..@TESTS@\n");
	all_moves();

	failed = tests - passed - expected - skips;
	printf("# Totals: pass:%d fail:%d xfail:%d xpass:0 skip:%d error:0\n",
	       passed, failed, expected, skips);
	return failed ? KSFT_FAIL : KSFT_PASS;
}
#endif
