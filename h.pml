/*
 * host: x * / end.
 * never: x.
 * At 2 pages, 2 clients. Expected: violated, by 1 moves at least.
 * pan exits 0 also where it finds a violation: read its line `errors:`.
 * -o2 keeps variables that nothing reads, so that states are counted as we count them.
 * Run:
 *   spin -o2 -a model.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m2000000
 *   spin -t model.pml                 # tells the run that was found; gcc -DBFS finds a shortest one
 * Design: sha256 dbc27aa53ade513decbb2661dd74cc3e8cc42b0699c5bff0e94ac209f7d4465b
 */

#define idle 0
#define after_go_au5C_b 1
unsigned a : 2;                          /* x * / end -- {   x */
unsigned f : 1;                          /* x */
unsigned at_MIGRATION : 1;
unsigned at_VGA : 1;

#define never_2 (((a & ~0) == 0))

inline go_au5C_b_by_MIGRATION(page) {
  d_step { (at_MIGRATION == idle) ->
    a = a | page;
    at_MIGRATION = after_go_au5C_b;
    printf("go.a/b by MIGRATION: page %d\n", page)
  }
}

inline go_au5C_b_by_VGA(page) {
  d_step { (at_VGA == idle) ->
    a = a | page;
    at_VGA = after_go_au5C_b;
    printf("go.a/b by VGA: page %d\n", page)
  }
}

inline go_two_by_MIGRATION() {
  d_step { (at_MIGRATION == after_go_au5C_b) ->
    a = 0;
    at_MIGRATION = idle;
    printf("go.two by MIGRATION\n")
  }
}

inline go_two_by_VGA() {
  d_step { (at_VGA == after_go_au5C_b) ->
    a = 0;
    at_VGA = idle;
    printf("go.two by VGA\n")
  }
}

active proctype next() {
end:
  do
  :: d_step { !never_2 -> assert(never_2) }
  :: go_au5C_b_by_MIGRATION(1)
  :: go_au5C_b_by_MIGRATION(2)
  :: go_au5C_b_by_VGA(1)
  :: go_au5C_b_by_VGA(2)
  :: go_two_by_MIGRATION()
  :: go_two_by_VGA()
  od
}
