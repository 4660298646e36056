//@ state
static struct {
	uint64_t version;		/* what the page holds */
	uint64_t copy[CLIENTS];		/* what each client read last */
} page_of[PAGES];
static bool differs;
static const char *skipped;		/* why what follows cannot be told */

//@ promise
static void promise(const char *what, uint64_t promised, uint64_t found)
{
	if (found == promised)
		return;
	printf("# %s: %#llx, promised %#llx\n", what,
	       (unsigned long long)found, (unsigned long long)promised);
	differs = true;
}

//@ move: say
/* The move is done; it is ok if the kernel did what it promises. */
static void move(const char *text)
{
	if (skipped)
		say_skipped(text, skipped);
	else
		say(!differs, text);
	differs = false;
}

//@ guest_store: vcpu_store
/* The guest stores to each of these pages what it holds already. */
static void guest_store(unsigned int vcpu, uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (pages >> page & 1)
			vcpu_store(vcpu, page, page_of[page].version);
}

//@ guest_write: guest_store
/* The guest writes a new version to each of these pages. */
static void guest_write(unsigned int vcpu, uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		page_of[page].version += pages >> page & 1;
	guest_store(vcpu, pages);
}

//@ vmm_store: page_at
/* This program writes a new version itself, which KVM does not log. */
static void vmm_store(uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (pages >> page & 1)
			*page_at(page) = ++page_of[page].version;
}

//@ bitmap
static uint64_t bitmap[(SLOT_PAGES + 63) / 64];

//@ get_log: bitmap get_ioctl
static uint64_t get_log(void)
{
	uint64_t pages = 0;

	get_ioctl();
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t at = page * STRIDE;

		pages |= (bitmap[at / 64] >> at % 64 & 1) << page;
	}
	return pages;
}

//@ clear_log: bitmap clear_ioctl
/* ~0ULL is a mask of all ones; else the bits of these model pages. */
static void clear_log(uint64_t pages)
{
	memset(bitmap, pages == ~0ULL ? 0xff : 0, sizeof(bitmap));
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t at = page * STRIDE;

		if (pages >> page & 1)
			bitmap[at / 64] |= 1ULL << at % 64;
	}
	clear_ioctl();
}

//@ report: get_log promise
/* KVM_GET_DIRTY_LOG, and what it has to report. */
static void get_reports(uint64_t promised)
{
	promise("GET reports", promised, get_log());
}

//@ expect_log: get_log promise
static void expect_log(uint64_t promised)
{
	promise("dirty log", promised, get_log());
}

//@ rings
static struct {
	struct kvm_dirty_gfn *entry;
	uint32_t taken, marked;
} ring[VCPUS];

static struct kvm_dirty_gfn *entry_of(unsigned int vcpu, uint32_t number)
{
	return &ring[vcpu].entry[number % RING_ENTRIES];
}

static uint64_t page_in(unsigned int vcpu, uint32_t number)
{
	return entry_of(vcpu, number)->offset / STRIDE;
}

static bool waits(unsigned int vcpu, uint32_t number)
{
	return entry_of(vcpu, number)->flags & KVM_DIRTY_GFN_F_DIRTY;
}

//@ expect_ring: rings promise
/*
 * The pages of the entries that nobody has looked at. A store that KVM carries
 * out itself makes an entry whether its page is protected or not.
 */
static void expect_ring(unsigned int vcpu, uint64_t promised)
{
	uint64_t found = 0;

	for (uint32_t n = ring[vcpu].taken; waits(vcpu, n); n++)
		found |= 1ULL << page_in(vcpu, n);
	if (promised & ~found)
		promise("entries that wait", promised, found);
	else if (found != promised)
		skipped = "KVM carries out the guest's stores itself";
}

//@ harvest: rings promise
/* Look at the oldest entry. */
static void harvest(unsigned int vcpu, uint64_t promised)
{
	uint64_t found = 0;

	if (waits(vcpu, ring[vcpu].taken))
		found = 1ULL << page_in(vcpu, ring[vcpu].taken++);
	promise("entry", promised, found);
}

//@ reset_rings: rings reset_ioctl promise
/* Give back the oldest entries, as far as they are of these pages. */
static void reset_rings(uint64_t pages)
{
	int marked = 0;

	for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++) {
		while (ring[vcpu].marked < ring[vcpu].taken &&
		       pages >> page_in(vcpu, ring[vcpu].marked) & 1) {
			entry_of(vcpu, ring[vcpu].marked++)->flags =
				KVM_DIRTY_GFN_F_RESET;
			marked++;
		}
	}
	promise("RESET gives back", marked, reset_ioctl());
}

//@ read_pages: page_at
/* A client reads (sends, draws) these pages. */
static void read_pages(unsigned int client, uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (pages >> page & 1)
			page_of[page].copy[client] = *page_at(page);
}

//@ forget
/* What the client has of these pages is thrown away. */
static void forget(unsigned int client, uint64_t pages)
{
	for (unsigned int page = 0; page < PAGES; page++)
		if (pages >> page & 1)
			page_of[page].copy[client] = ~0ULL;
}

//@ check_client: move promise say_expected page_at
/*
 * Which pages does the client lack? A loss that the design makes is expected:
 * the kernel has kept its promises. Anything else is a failure.
 */
static void check_client(unsigned int client, const char *who, const char *text,
			 uint64_t lacks, bool lost)
{
	uint64_t found = 0;

	for (unsigned int page = 0; page < PAGES; page++) {
		uint64_t now = *page_at(page);

		if (now == page_of[page].copy[client])
			continue;
		found |= 1ULL << page;
		printf("# page %u: source P%llu, %s P%lld\n", page,
		       (unsigned long long)now, who,
		       (long long)page_of[page].copy[client]);
	}
	promise("pages that it lacks", lacks, found);
	if (lost && lacks && !differs && !skipped)
		say_expected(text, "the design loses it");
	else
		move(text);
}
