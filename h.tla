---- MODULE Host ----
(*
  host: x * / end.
  sure: x.
  At 2 pages, 2 clients. Expected: holds: 10 states, depth 3.
  Run:
    sed -n '/^  SPECIFICATION/,/^$/p' Host.tla > Host.cfg
    java -cp tla2tools.jar tlc2.TLC -deadlock -config Host.cfg Host.tla
  Design: sha256 dbc27aa53ade513decbb2661dd74cc3e8cc42b0699c5bff0e94ac209f7d4465b
*)
EXTENDS Naturals, Sequences

CONSTANTS Page, Client
NonEmpty == (SUBSET Page) \ {{}}

VARIABLES
  a,               \* x * / end -- {   x
  f,               \* x
  at               \* where each client stands
vars == <<a, f, at>>
TypeOK ==
  /\ a \in SUBSET Page
  /\ f \in BOOLEAN

Init ==
  /\ a = {}
  /\ f = FALSE
  /\ at = [c \in Client |-> "idle"]

GoAu5C_b(me, page) == \* h1.py:10
  /\ at[me] = "idle"
  /\ a' = (a \cup {page})
  /\ at' = [at EXCEPT ![me] = "go_au5C_b 1"]
  /\ UNCHANGED <<f>>

GoTwo(me) == \* h1.py:12
  /\ at[me] = "go_au5C_b 1"
  /\ a' = {}
  /\ at' = [at EXCEPT ![me] = "idle"]
  /\ UNCHANGED <<f>>

Next ==
  \/ \E me \in Client, page \in Page : GoAu5C_b(me, page)
  \/ \E me \in Client : GoTwo(me)
Spec == Init /\ [][Next]_vars

sure == (~f)

(*
  SPECIFICATION Spec
  INVARIANTS TypeOK sure
  CONSTANT Page = {page_0, page_1}
  CONSTANT Client = {MIGRATION, VGA}

*)
====
