/*
 * The inner loop of the search over packed words, one state at a time.
 *
 * Generated text stands around this file (native_text.py): before it the sizes WORDS, LOW, LANES, ROOT and
 * DIGITS, macros that spell a state's words (STATE, GIVEN, FETCH, NAME) and the digits of a block's name (`digit` of
 * the words given, `width` in bits); after it `moves` and `broken`. The set is model.engines.visited.Visited, the same
 * arrays found through the same page table, so that either side can go on where the other stopped; or, where states lie
 * far apart, the table of model.engines.hashed. Several threads may call `expand` on one set at a time.
 */
#include <sched.h>
#include <stdint.h>

typedef uint64_t word;

struct set {
    word *bits, *old, *names;   /* LANES words a block twice, WORDS words a block */
    uint8_t *touched;           /* whether a block got a state since the last turn */
    int64_t *nodes;             /* entry -> the next node, or the position of a block's first word */
    int64_t blocks, used;       /* blocks; entries of nodes */
    int64_t room, block;        /* bytes that both may take; bytes of a block */
    int64_t fresh;              /* states added since the last turn */
    word *table;                /* open addressing, WORDS words a place; or 0, and the blocks are the set */
    int64_t mask, most;         /* places - 1; states that it may have before it is made larger */
    int64_t kept;               /* states that it has */
    int32_t lock, full;
};

/* One call of `expand`: what it has added, and of a table also the states themselves, as columns. */
struct call { int64_t fresh; word *out; int64_t stride, room; };

#define EMPTY (~(word)0)        /* in the last word of a place; no state has so many bits there */
#define TAKEN (~(word)0 - 1)    /* for the moment in which the other words are written */

static inline int64_t load(const int64_t *entry) { return __atomic_load_n(entry, __ATOMIC_ACQUIRE); }
static inline void store(int64_t *entry, int64_t value) { __atomic_store_n(entry, value, __ATOMIC_RELEASE); }

/* Node 0 stands for every node that is not there, and its entries are 0: there is nothing to test on the way. */
static inline int64_t find(const struct set *set, STATE)
{
    int64_t at = ROOT;
    for (int k = 0; k < DIGITS; k++)
        at = load(&set->nodes[at + digit(k, GIVEN)]);
    return at;
}

/* Whether there is room for one more block and so many more entries; if not, nothing is added any more. */
static int fits(struct set *set, int64_t entries)
{
    if ((set->used + entries) * 8 + (set->blocks + 1) * set->block > set->room)
        set->full = 1;
    return !set->full;
}

/* The position of a new block, or 0 where there is no room for one. */
static int64_t create(struct set *set, STATE)
{
    int64_t at = ROOT, *entry = 0;
    while (__atomic_exchange_n(&set->lock, 1, __ATOMIC_ACQUIRE))
        sched_yield();
    for (int k = 0; k < DIGITS; k++) {
        entry = &set->nodes[at + digit(k, GIVEN)];
        at = *entry;
        if (at || k == DIGITS - 1)
            continue;
        if (!fits(set, 1 << width(k + 1)))
            break;
        at = set->used;
        set->used += 1 << width(k + 1);
        store(entry, at);
    }
    if (!at && fits(set, 0)) {
        word name[WORDS] = NAME, *place = set->names + set->blocks * WORDS;
        for (int k = 0; k < WORDS; k++)
            place[k] = name[k];
        at = set->blocks++ * LANES;
        store(entry, at);
    }
    __atomic_store_n(&set->lock, 0, __ATOMIC_RELEASE);
    return at;
}

/* The empty place in a table where a state belongs, or 0 where the state is there. */
static inline word *place(word *table, int64_t mask, const word *state)
{
    word mixed = 0;
    for (int k = 0; k < WORDS; k++) {
        mixed = (mixed ^ state[k]) * 0x9e3779b97f4a7c15u;
        mixed ^= mixed >> 32;
    }
    for (;; mixed++) {
        word *here = table + (int64_t)(mixed & (word)mask) * WORDS, last;
        while ((last = __atomic_load_n(&here[WORDS - 1], __ATOMIC_ACQUIRE)) == TAKEN)
            sched_yield();
        if (last == EMPTY)
            return here;
        int same = last == state[WORDS - 1];
        for (int k = 0; k < WORDS - 1; k++)
            same &= here[k] == state[k];
        if (same)
            return 0;
    }
}

/* Write a state to an empty place; 0 where another thread was there first. */
static inline int settle(word *here, const word *state)
{
    word last = EMPTY;
    if (!__atomic_compare_exchange_n(&here[WORDS - 1], &last, TAKEN, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return 0;
    for (int k = 0; k < WORDS - 1; k++)
        here[k] = state[k];
    __atomic_store_n(&here[WORDS - 1], state[WORDS - 1], __ATOMIC_RELEASE);
    return 1;
}

/* Add a state to the table, and to what this call has found; 0 where there is no room for it. */
static __attribute__((noinline)) int keep(struct set *set, struct call *call, STATE)
{
    const word state[WORDS] = { GIVEN };
    for (;;) {
        word *here = place(set->table, set->mask, state);
        if (!here)
            return 1;
        if (call->fresh == call->room)
            return 0;
        if (__atomic_load_n(&set->kept, __ATOMIC_RELAXED) >= set->most) {
            __atomic_store_n(&set->full, 1, __ATOMIC_RELAXED);
            return 0;
        }
        if (!settle(here, state))
            continue;
        __atomic_fetch_add(&set->kept, 1, __ATOMIC_RELAXED);
        for (int k = 0; k < WORDS; k++)
            call->out[call->fresh + k * call->stride] = state[k];
        call->fresh++;
        return 1;
    }
}

/* Put so many states, or as many places of a smaller table, into a table that has room for them. */
void refill(word *table, int64_t mask, const word *from, int64_t count, int64_t apart, int64_t step)
{
    for (int64_t i = 0; i < count; i++) {
        word state[WORDS];
        for (int k = 0; k < WORDS; k++)
            state[k] = from[i * step + k * apart];
        word *here = state[WORDS - 1] == EMPTY ? 0 : place(table, mask, state);
        if (here)
            settle(here, state);
    }
}

/* Add a state; 0 where there is no room for it. */
static inline int visit(struct set *set, struct call *call, STATE)
{
    if (set->table)
        return keep(set, call, GIVEN);
    int64_t at = find(set, GIVEN);
    if (!at && !(at = create(set, GIVEN)))
        return 0;
    word *lane = &set->bits[at + (x0 >> 6 & (LANES - 1))], bit = (word)1 << (x0 & 63);
    if (__atomic_load_n(lane, __ATOMIC_RELAXED) & bit)
        return 1;
    if (!(__atomic_fetch_or(lane, bit, __ATOMIC_RELAXED) & bit)) {
        call->fresh++;
        __atomic_store_n(&set->touched[at / LANES], 1, __ATOMIC_RELAXED);
    }
    return 1;
}

static int moves(struct set *set, struct call *call, int64_t *count, STATE);
static int broken(STATE);

/*
 * Add what one move leads to from so many states: number i has its words at in[i], in[i + stride], ...
 * Returns how many states were done, fewer only where there is no room; *count is the number of their moves, and
 * call->fresh how many states were added.
 */
int64_t expand(struct set *set, const word *in, int64_t stride, int64_t states, int64_t *count, struct call *call)
{
    int64_t i;
    for (i = 0; i < states && !__atomic_load_n(&set->full, __ATOMIC_RELAXED); i++) {
        int64_t more = 0;
        FETCH(in, stride, i);
        if (!moves(set, call, &more, GIVEN))
            break;
        *count += more;
    }
    __atomic_fetch_add(&set->fresh, call->fresh, __ATOMIC_RELAXED);
    return i;
}

/* The first of so many states in which an invariant is broken, or -1. */
int64_t first_broken(const word *in, int64_t stride, int64_t states)
{
    for (int64_t i = 0; i < states; i++) {
        FETCH(in, stride, i);
        if (broken(GIVEN))
            return i;
    }
    return -1;
}

/* The states that the blocks of these numbers got since the last turn, in order, and make them old. */
int64_t turn(struct set *set, const int64_t *numbers, int64_t count, word *out, int64_t stride)
{
    int64_t found = 0;
    for (int64_t n = 0; n < count; n++) {
        word *bits = set->bits + numbers[n] * LANES, *old = set->old + numbers[n] * LANES;
        const word *name = set->names + numbers[n] * WORDS;
        for (int lane = 0; lane < LANES; lane++) {
            word fresh = bits[lane] & ~old[lane];
            old[lane] |= fresh;
            for (; fresh; fresh &= fresh - 1, found++) {
                out[found] = name[0] << LOW | (word)lane << 6 | (word)__builtin_ctzll(fresh);
                for (int k = 1; k < WORDS; k++)
                    out[found + k * stride] = name[k];
            }
        }
        set->touched[numbers[n]] = 0;
    }
    return found;
}
