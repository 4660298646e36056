/*
 * Threads that make GETs and CLEARs all the time, with every signal blocked, as those of QEMU are, while others come
 * and go: what a recorder must leave unharmed.
 *
 *     busy_vmm SECONDS
 *
 * It prints its process id, and in the end whether every ioctl gave what KVM gives without a recorder.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGES 128
#define WORKERS 2

static int vm;
static double until;
static int wrong;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void expect(int result, int number, const char *what)
{
	if (result != (number ? -1 : 0) || (number && errno != number)) {
		warn("%s gave %d", what, result);
		__atomic_store_n(&wrong, 1, __ATOMIC_RELAXED);
	}
}

static void *work(void *unused)
{
	uint64_t bits[PAGES / 64] = { 0 };
	struct kvm_dirty_log get = { .dirty_bitmap = bits };
	struct kvm_clear_dirty_log clear = { .dirty_bitmap = bits };
	struct timespec pause = { .tv_nsec = 200000 };
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	while (now() < until) {
		expect(ioctl(vm, KVM_GET_DIRTY_LOG, &get), 0, "GET");
		clear.num_pages = 64;
		expect(ioctl(vm, KVM_CLEAR_DIRTY_LOG, &clear), 0, "CLEAR");
		clear.num_pages = 63;
		expect(ioctl(vm, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL, "CLEAR of 63 pages");
		nanosleep(&pause, NULL);
	}
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

static void *come_and_go(void *unused)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	pthread_t thread;

	while (now() < until) {
		pthread_create(&thread, NULL, nothing, NULL);
		pthread_join(thread, NULL);
		nanosleep(&pause, NULL);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct kvm_enable_cap manual = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 1 } };
	struct kvm_userspace_memory_region region = {
		.flags = KVM_MEM_LOG_DIRTY_PAGES, .guest_phys_addr = 0x100000, .memory_size = PAGES * 4096,
	};
	pthread_t threads[WORKERS + 1];
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (argc != 2 || kvm < 0)
		err(2, "busy_vmm SECONDS");
	printf("%d\n", getpid());
	fflush(stdout);
	until = now() + atof(argv[1]);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	expect(ioctl(vm, KVM_ENABLE_CAP, &manual), 0, "ENABLE_CAP");
	region.userspace_addr = (uintptr_t)mmap(NULL, region.memory_size, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region), 0, "SET_USER_MEMORY_REGION");
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	pthread_create(&threads[WORKERS], NULL, come_and_go, NULL);
	for (int i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	puts(wrong ? "harmed" : "unharmed");
	return wrong;
}
