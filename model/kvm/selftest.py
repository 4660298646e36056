# ruff: noqa: E101 - the C program is indented as the kernel is
"""A counterexample as a C program in the manner of the kernel's selftests, for maintainers who want to run it.

The program stands alone: raw ioctls, KTAP on stdout, exit 0 pass, 1 fail, 4 skipped. It performs the moves one by one,
checks KVM_GET_DIRTY_LOG against the model after each, and last of all whether the client has every page.

Source: Linux tools/testing/selftests/kvm/dirty_log_test.c, Documentation/dev-tools/ktap.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from model.errors import CannotSay
from model.instance.instance import Instance, Move
from model.kvm import guest
from model.kvm.ioctls import Act, Acts

if TYPE_CHECKING:
    from model.verify.result import Result

STRIDE = 64


def document(result: Result) -> str:
    """The counterexample of a result as a C program.

    Raises:
        CannotSay: the result has no counterexample, or one that KVM has no ioctls for.
    """
    if result.trace is None or result.story is None:
        raise CannotSay(f"{result.design} has no counterexample to {result.property}; kselftest performs one.")
    trace = result.whole or result.trace
    texts = [line.text for line in (*result.story.lines, *result.story.tail)]
    return program(result.design, trace.instance, trace.moves, texts, trace.number or 0, result.program.digest)


def program(
    name: str, instance: Instance, moves: Sequence[Move], texts: Sequence[str], client: int, digest: str
) -> str:
    """The C program that performs `moves` and judges `client`.

    Args:
        texts: what each move is called in comments and test names.

    Raises:
        CannotSay: a move does something that KVM has no ioctl for.
    """
    acts = Acts(instance)
    parts = {
        "DESIGN": _plain(name),
        "TITLE": _comment(f"Does a {_plain(name)} client of KVM's dirty log lose a write?"),
        "DIGEST": digest,
        "PAGES": str(instance.pages),
        "CLIENTS": str(max(acts.unread, default=0) + 1),
        "CLIENT": str(client),
        "WHO": "destination" if client == 0 else "client",
        "STRIDE": str(STRIDE),
        "CAP": "3" if acts.initially_set else "1",
        "TESTS": str(len(moves) + 1),
        "CODE": "".join(f"\t{_bytes(line.code):28}/* {line.source} */\n" for line in guest.STORE),
        "START": "".join(f"\tmemset(copy[{c}], 0xff, sizeof(copy[{c}]));\n" for c in _unread_at_first(instance, acts)),
        "MOVES": "\n".join(_moves(instance, acts, moves, texts)),
    }
    text = TEMPLATE
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value)
    return text


def _unread_at_first(instance: Instance, acts: Acts) -> list[int]:
    """Clients that have read nothing at the start."""
    return [c for c, at in acts.unread.items() if instance.initial[at]]


def _moves(instance: Instance, acts: Acts, moves: Sequence[Move], texts: Sequence[str]) -> Iterator[str]:
    state = instance.initial
    for number, (move, text) in enumerate(zip(moves, texts, strict=True), 1):
        text = _plain(text)
        lines = [f"\t/* {number}: {text} */", *(f"\t{_call(act)}" for act in acts(move, state))]
        state = instance.apply(move, state)
        yield "\n".join([*lines, f'\tcheck_log({state[acts.log]:#x}, "{text}");'])


def _call(act: Act) -> str:
    match act.kind:
        case "write":
            return f"guest_write({act.pages:#x});"
        case "get":
            return "get_log();"
        case "clear":
            return "clear_log(~0ULL);" if act.all_ones else f"clear_log({act.pages:#x});"
        case _:
            return f"read_pages({act.client}, {act.pages:#x});"


def _bytes(code: str) -> str:
    return " ".join(f"0x{byte}," for byte in code.split())


def _plain(text: str) -> str:
    """`text` as it may stand in a C string and in a comment."""
    return re.sub(r'[^ -~]|["\\?]', "_", text).replace("*/", "* /")


def _comment(text: str) -> str:
    return "\n * ".join(wrap(text, 76))


TEMPLATE = r"""// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * @TITLE@
 *
 * Performs a counterexample that clearorder found in the design "@DESIGN@",
 * with raw ioctls, and checks KVM's dirty log against the model after every
 * move. Fails if the @WHO@ misses a page in the end.
 *
 * gcc -Wall -Wextra -Werror -o loss this_file.c && ./loss
 *
 * Design digest: @DIGEST@
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
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
#define CLIENT		@CLIENT@	/* the one that is judged */
#define STRIDE		@STRIDE@	/* model pages lie so far apart in the slot */
#define SLOT		0
#define SLOT_PAGES	(PAGES * STRIDE)
#define SLOT_GPA	0x100000UL
#define BOOT_SLOT	1
#define BOOT_PAGES	16
#define CODE_GPA	0x1000UL
#define PML4_GPA	0x2000UL
#define PDPT_GPA	0x3000UL
#define PD_GPA		0x4000UL
#define MAILBOX_GPA	0x5000UL

/* At CPL 3 with IOPL 3; rsi points to the mailbox. */
static const uint8_t guest_code[] = {
@CODE@};

static int kvm_fd, vm_fd, vcpu_fd, tests, failed;
static struct kvm_run *run;
static uint8_t *boot, *slot;
static uint64_t bitmap[(SLOT_PAGES + 63) / 64];
static uint64_t version[PAGES], copy[CLIENTS][PAGES];

static int call(int fd, unsigned long request, const void *arg, const char *name)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0) {
		printf("Bail out! %s: %s\n", name, strerror(errno));
		exit(KSFT_FAIL);
	}
	return ret;
}
#define CALL(fd, request, arg) call(fd, request, (const void *)(arg), #request)

static void result(bool ok, const char *format, ...)
{
	va_list args;

	printf("%s %d ", ok ? "ok" : "not ok", ++tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	failed += !ok;
}

static void *memory(size_t pages)
{
	void *found = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (found == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		exit(KSFT_FAIL);
	}
	return found;
}

static void add_slot(uint32_t id, uint32_t flags, uint64_t gpa, size_t pages, void *at)
{
	struct kvm_userspace_memory_region region = {
		.slot = id, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = pages * PAGE, .userspace_addr = (uintptr_t)at,
	};

	CALL(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void create_vm(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { @CAP@ },
	};

	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		skip("/dev/kvm cannot be opened");
	vm_fd = CALL(kvm_fd, KVM_CREATE_VM, 0);
	if ((ioctl(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) &
	     @CAP@) != @CAP@)
		skip("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 is missing");
	CALL(vm_fd, KVM_ENABLE_CAP, &cap);

	boot = memory(BOOT_PAGES);
	slot = memory(SLOT_PAGES);
	add_slot(BOOT_SLOT, 0, 0, BOOT_PAGES, boot);
	add_slot(SLOT, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, SLOT_PAGES, slot);

	memcpy(boot + CODE_GPA, guest_code, sizeof(guest_code));
	/* An identity map; accessed and dirty are set, so walking writes nothing. */
	*(uint64_t *)(boot + PML4_GPA) = PDPT_GPA | 0x27;
	*(uint64_t *)(boot + PDPT_GPA) = PD_GPA | 0x27;
	for (uint64_t i = 0; i < 512; i++)
		((uint64_t *)(boot + PD_GPA))[i] = i << 21 | 0xe7;
}

static void create_vcpu(void)
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
		.rip = CODE_GPA, .rsi = MAILBOX_GPA, .rflags = 0x3002,
	};
	struct kvm_sregs sregs;
	struct kvm_cpuid2 *cpuid;
	const int entries = 200;
	int size;

	vcpu_fd = CALL(vm_fd, KVM_CREATE_VCPU, 0);
	size = CALL(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd, 0);
	cpuid = calloc(1, sizeof(*cpuid) + entries * sizeof(cpuid->entries[0]));
	if (run == MAP_FAILED || !cpuid) {
		printf("Bail out! no memory\n");
		exit(KSFT_FAIL);
	}
	cpuid->nent = entries;
	CALL(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	CALL(vcpu_fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);

	CALL(vcpu_fd, KVM_GET_SREGS, &sregs);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = 0x80010033;
	sregs.cr3 = PML4_GPA;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	CALL(vcpu_fd, KVM_SET_SREGS, &sregs);
	CALL(vcpu_fd, KVM_SET_REGS, &regs);
}

static uint64_t *page_at(unsigned int page)
{
	return (uint64_t *)(slot + page * STRIDE * PAGE);
}

/* The guest writes a new version to each of these pages. */
static __attribute__((unused)) void guest_write(uint64_t pages)
{
	uint64_t *mailbox = (uint64_t *)(boot + MAILBOX_GPA);

	for (unsigned int page = 0; page < PAGES; page++) {
		if (!(pages >> page & 1))
			continue;
		mailbox[0] = SLOT_GPA + page * STRIDE * PAGE;
		mailbox[1] = ++version[page];
		while (ioctl(vcpu_fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR)
				continue;
			printf("Bail out! KVM_RUN: %s\n", strerror(errno));
			exit(KSFT_FAIL);
		}
		if (run->exit_reason != KVM_EXIT_IO) {
			printf("Bail out! exit reason %u\n", run->exit_reason);
			exit(KSFT_FAIL);
		}
	}
}

static uint64_t get_log(void)
{
	struct kvm_dirty_log log = { .slot = SLOT, .dirty_bitmap = bitmap };
	uint64_t pages = 0;

	CALL(vm_fd, KVM_GET_DIRTY_LOG, &log);
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t at = page * STRIDE;

		pages |= (bitmap[at / 64] >> at % 64 & 1) << page;
	}
	return pages;
}

/* ~0ULL is a mask of all ones; else the bits of these model pages. */
static __attribute__((unused)) void clear_log(uint64_t pages)
{
	struct kvm_clear_dirty_log log = {
		.slot = SLOT, .num_pages = SLOT_PAGES, .dirty_bitmap = bitmap,
	};

	memset(bitmap, pages == ~0ULL ? 0xff : 0, sizeof(bitmap));
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t at = page * STRIDE;

		if (pages >> page & 1)
			bitmap[at / 64] |= 1ULL << at % 64;
	}
	CALL(vm_fd, KVM_CLEAR_DIRTY_LOG, &log);
}

/* A client reads (sends, draws) these pages. */
static __attribute__((unused)) void read_pages(unsigned int client, uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (pages >> page & 1)
			copy[client][page] = *(volatile uint64_t *)page_at(page);
}

static void check_log(uint64_t expected, const char *move)
{
	uint64_t found = get_log();

	result(found == expected, "%s: dirty log %#llx, model %#llx", move,
	       (unsigned long long)found, (unsigned long long)expected);
}

static void check_copy(void)
{
	bool same = true;

	for (unsigned int page = 0; page < PAGES; page++) {
		uint64_t now = *(volatile uint64_t *)page_at(page);

		if (now == copy[CLIENT][page])
			continue;
		same = false;
		printf("# page %u is lost: source P%llu, @WHO@ P%lld\n", page,
		       (unsigned long long)now, (long long)copy[CLIENT][page]);
	}
	result(same, "the @WHO@ has every page");
}

int main(void)
{
	printf("KTAP version 1\n");
	create_vm();
	create_vcpu();
	printf("1..@TESTS@\n");
@START@
@MOVES@

	check_copy();
	printf("# Totals: pass:%d fail:%d skip:0\n", tests - failed, failed);
	return failed ? KSFT_FAIL : KSFT_PASS;
}
#endif
"""
