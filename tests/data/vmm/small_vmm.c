/*
 * A VMM of one slot and one vCPU that copies its guest to a destination, rightly or with one hazard:
 *
 *     small_vmm CASE wrong|right [copy] [silent] [call]
 *
 * It prints the pages that differ in the end. `copy` makes GET and CLEAR on a dup'ed descriptor, `silent` leaves out
 * the markers of reads, `call` reads by process_vm_readv() instead. The guest runs only inside store(), so every run is the same.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGES 64
#define PAGE 4096
#define BOOT_PAGES 8
#define CODE_AT 0x1000
#define PML4 0x2000
#define PDPT 0x3000
#define PD 0x4000
#define PRESENT_TABLE 0x27ull	/* user, writable, accessed: a walk never writes */
#define PRESENT_PAGE 0xe7ull	/* 2 MiB, dirty too */
#define DATA_AT 0x100000
#define RING_BYTES 4096
#define EVERY (~0ull)

/* The marker of clearorder record: KVM refuses it, the recorder notes which pages are being read. */
#define MARK_READ _IOW(KVMIO, 0xef, struct kvm_clear_dirty_log)

static int vm, vcpu, log_fd, right, silent, by_call;
static struct kvm_run *run;
static struct kvm_dirty_gfn *ring;
static unsigned int ring_at;
static unsigned char *source, destination[PAGES];

static int call(int fd, unsigned long request, void *argument, const char *name)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		err(2, "%s", name);
	return result;
}

static void slot(int number, uint32_t flags, uint64_t at, uint64_t bytes, void *memory)
{
	struct kvm_userspace_memory_region region = {
		.slot = number, .flags = flags, .guest_phys_addr = at,
		.memory_size = bytes, .userspace_addr = (uintptr_t)memory,
	};

	call(vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

static void log_on(void)
{
	slot(0, KVM_MEM_LOG_DIRTY_PAGES, DATA_AT, PAGES * PAGE, source);
}

static void log_off(void)
{
	slot(0, 0, DATA_AT, PAGES * PAGE, source);
}

static uint64_t get(void)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = &bits };

	call(log_fd, KVM_GET_DIRTY_LOG, &log, "KVM_GET_DIRTY_LOG");
	return bits;
}

static void clear(uint64_t mask)
{
	struct kvm_clear_dirty_log log = { .slot = 0, .num_pages = PAGES, .dirty_bitmap = &mask };

	call(log_fd, KVM_CLEAR_DIRTY_LOG, &log, "KVM_CLEAR_DIRTY_LOG");
}

static void read_page(int page)
{
	struct iovec here = { &destination[page], 1 }, there = { &source[page * PAGE], 1 };

	if (!by_call)
		destination[page] = source[page * PAGE];
	else if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != 1)
		err(2, "process_vm_readv");
}

/* Copies pages to the destination, after telling a recorder so. */
static void copy(uint64_t mask)
{
	struct kvm_clear_dirty_log mark = { .slot = 0, .num_pages = PAGES, .dirty_bitmap = &mask };

	if (!silent && !by_call)
		ioctl(vm, MARK_READ, &mark);
	for (int page = 0; page < PAGES; page++)
		if (mask >> page & 1)
			read_page(page);
}

/* The guest stores a byte at the start of a page: mov [rdi], al; out 0x10, al. */
static void store(int page, unsigned char value)
{
	struct kvm_regs regs = {
		.rax = value, .rdi = DATA_AT + page * PAGE,
		.rip = CODE_AT, .rflags = 0x3002,	/* IOPL 3: `out` leaves the guest */
	};

	call(vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
	call(vcpu, KVM_RUN, NULL, "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_IO)
		errx(2, "the vCPU stopped for reason %u", run->exit_reason);
}

/* Takes the new entries of the ring, and marks them as done with. */
static uint64_t harvest(void)
{
	uint64_t found = 0;

	for (;; ring_at++) {
		struct kvm_dirty_gfn *entry = &ring[ring_at % (RING_BYTES / sizeof(*ring))];

		if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
			return found;
		if (entry->slot == 0)
			found |= 1ull << entry->offset;
		__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
}

static void reset(void)
{
	call(vm, KVM_RESET_DIRTY_RINGS, NULL, "KVM_RESET_DIRTY_RINGS");
}

/* One round of a right copy: ask, clear, and only then read. */
static void round_of_copying(void)
{
	uint64_t dirty = get();

	clear(dirty);
	copy(dirty);
}

/* The log is switched off with a bit that no GET has reported. */
static void dropped(void)
{
	log_on();
	store(3, 1);
	round_of_copying();
	store(3, 2);
	if (right)
		round_of_copying();
	log_off();
}

/* The slot goes with a bit that no GET has reported, and comes back with a log that knows nothing of it. */
static void removed(void)
{
	log_on();
	store(3, 1);
	round_of_copying();
	store(3, 2);
	if (right)
		round_of_copying();
	slot(0, 0, DATA_AT, 0, source);
	log_on();
	round_of_copying();
}

/* What INITIALLY_SET says is cleared unseen, to begin with a clean log, after the pages were read. */
static void initially_set(void)
{
	store(3, 1);
	copy(EVERY);
	log_on();
	store(3, 2);
	if (right)
		round_of_copying();
	else
		clear(EVERY);
	round_of_copying();
}

/* Without manual protection GET clears: a second one does not report the pages again. */
static void legacy_twice(void)
{
	uint64_t dirty;

	log_on();
	store(3, 1);
	dirty = get();
	if (right)
		dirty |= get();
	else
		dirty = get();
	copy(dirty);
}

/* A mask from before the slot was made anew is cleared in the new log. */
static void stale_mask(void)
{
	uint64_t dirty;

	log_on();
	store(3, 1);
	dirty = get();
	copy(dirty);
	slot(0, 0, DATA_AT, 0, source);
	log_on();
	store(3, 2);
	if (!right)
		clear(dirty);
	round_of_copying();
}

/* The pages are read, and only then cleared. */
static void late_clear(void)
{
	uint64_t dirty;

	log_on();
	store(3, 1);
	dirty = get();
	if (right)
		clear(dirty);
	copy(dirty);
	store(3, 2);
	if (!right)
		clear(dirty);
	round_of_copying();
}

/* The ring is reset before the harvest is published: a pass in between finds nothing to copy. */
static void reset_before_publishing(void)
{
	uint64_t harvested, published = 0;

	log_on();
	store(3, 1);
	harvested = harvest();
	if (right)
		published = harvested;
	reset();
	copy(published);
	published = harvested;
}

/* The ring is reset after the pages that it named were read. */
static void reset_after_reading(void)
{
	uint64_t harvested;

	log_on();
	store(3, 1);
	harvested = harvest();
	if (right)
		reset();
	copy(harvested);
	store(3, 2);
	if (!right)
		reset();
	harvested = harvest();
	reset();
	copy(harvested);
}

/* The same mask is cleared twice, as by two clients of one bitmap. */
static void twice(void)
{
	uint64_t dirty;

	log_on();
	store(3, 1);
	dirty = get();
	clear(dirty);
	copy(dirty);
	store(3, 2);
	if (!right)
		clear(dirty);
	round_of_copying();
}

static const struct {
	const char *name;
	void (*play)(void);
	int manual, with_ring;
} cases[] = {
	{ "dropped", dropped, 1, 0 },
	{ "removed", removed, 1, 0 },
	{ "initially-set", initially_set, 3, 0 },
	{ "legacy-twice", legacy_twice, 0, 0 },
	{ "stale-mask", stale_mask, 1, 0 },
	{ "stale-mask-set", stale_mask, 3, 0 },
	{ "late-clear", late_clear, 1, 0 },
	{ "reset-before-publishing", reset_before_publishing, 0, 1 },
	{ "reset-after-reading", reset_after_reading, 0, 1 },
	{ "twice", twice, 1, 0 },
};

static void *memory(size_t bytes)
{
	void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (found == MAP_FAILED)
		err(2, "mmap");
	return found;
}

static void enable(uint32_t cap, uint64_t value)
{
	struct kvm_enable_cap enabled = { .cap = cap, .args = { value } };

	call(vm, KVM_ENABLE_CAP, &enabled, "KVM_ENABLE_CAP");
}

/* 64-bit code at CPL 3, and page tables that map the first GiB onto itself. */
static unsigned char *boot(void)
{
	unsigned char *at = memory(BOOT_PAGES * PAGE);

	memcpy(at + CODE_AT, "\x88\x07\xe6\x10", 4);
	*(uint64_t *)(at + PML4) = PDPT | PRESENT_TABLE;
	*(uint64_t *)(at + PDPT) = PD | PRESENT_TABLE;
	for (uint64_t i = 0; i < 512; i++)
		((uint64_t *)(at + PD))[i] = i << 21 | PRESENT_PAGE;
	return at;
}

static void enter_long_mode(int kvm)
{
	struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 entries[200]; } cpuid = { .head.nent = 200 };
	struct kvm_segment code = {
		.limit = ~0u, .selector = 0x0b, .type = 11, .present = 1, .dpl = 3, .s = 1, .l = 1, .g = 1,
	};
	struct kvm_segment data = {
		.limit = ~0u, .selector = 0x13, .type = 3, .present = 1, .dpl = 3, .db = 1, .s = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	call(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
	call(vcpu, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
	call(vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = 0x80010033;
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	call(vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
}

static void make(int manual, int with_ring)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;

	if (kvm < 0)
		err(4, "/dev/kvm");
	vm = log_fd = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	if (manual)
		enable(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, manual);
	if (with_ring)
		enable(KVM_CAP_DIRTY_LOG_RING, RING_BYTES);
	source = memory(PAGES * PAGE);
	slot(1, 0, 0, BOOT_PAGES * PAGE, boot());
	log_off();
	vcpu = call(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (with_ring)
		ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
			    KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
	if (run == MAP_FAILED || ring == MAP_FAILED)
		err(2, "mmap of the vCPU");
	enter_long_mode(kvm);
}

int main(int argc, char **argv)
{
	int lost = 0;

	if (argc < 3)
		errx(2, "small_vmm CASE wrong|right [copy] [silent] [call]");
	right = !strcmp(argv[2], "right");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(cases[i].name, argv[1]))
			continue;
		make(cases[i].manual, cases[i].with_ring);
		for (int option = 3; option < argc; option++) {
			silent |= !strcmp(argv[option], "silent");
			by_call |= !strcmp(argv[option], "call");
			if (!strcmp(argv[option], "copy"))
				log_fd = dup(vm);
		}
		cases[i].play();
		for (int page = 0; page < PAGES; page++)
			if (destination[page] != source[page * PAGE])
				printf("%spage %d", lost++ ? ", " : "lost: ", page);
		puts(lost ? "" : "nothing lost");
		return 0;
	}
	errx(2, "no case %s", argv[1]);
}
