/*
 * The inner loop of the search over packed words, one state at a time.
 *
 * Generated text stands around this file (model/engines/native.py): before it the sizes WORDS, LOW, LANES, ROOT and
 * DIGITS, macros that spell a state's words (STATE, GIVEN, FETCH, NAME) and the digits of a block's name (`digit` of
 * the words given, `width` in bits); after it `moves` and `broken`. The set is model.engines.visited.Visited: the same arrays, found through the same page table, so that either side can go on
 * where the other stopped. Several threads may call `expand` on one set at a time.
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
    int32_t lock, full;
};

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

/* Add a state; 0 where there is no room for it. */
static inline int visit(struct set *set, int64_t *fresh, STATE)
{
    int64_t at = find(set, GIVEN);
    if (!at && !(at = create(set, GIVEN)))
        return 0;
    word *lane = &set->bits[at + (x0 >> 6 & (LANES - 1))], bit = (word)1 << (x0 & 63);
    if (__atomic_load_n(lane, __ATOMIC_RELAXED) & bit)
        return 1;
    if (!(__atomic_fetch_or(lane, bit, __ATOMIC_RELAXED) & bit)) {
        ++*fresh;
        __atomic_store_n(&set->touched[at / LANES], 1, __ATOMIC_RELAXED);
    }
    return 1;
}

static int moves(struct set *set, int64_t *fresh, int64_t *count, STATE);
static int broken(STATE);

/*
 * Add what one move leads to from so many states: number i has its words at in[i], in[i + stride], ...
 * Returns how many states were done, fewer only where there is no room; *count is the number of their moves.
 */
int64_t expand(struct set *set, const word *in, int64_t stride, int64_t states, int64_t *count)
{
    int64_t fresh = 0, i;
    for (i = 0; i < states && !__atomic_load_n(&set->full, __ATOMIC_RELAXED); i++) {
        int64_t more = 0;
        FETCH(in, stride, i);
        if (!moves(set, &fresh, &more, GIVEN))
            break;
        *count += more;
    }
    __atomic_fetch_add(&set->fresh, fresh, __ATOMIC_RELAXED);
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
