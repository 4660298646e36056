(* The per-slot cache keeps every written page, for any number of pages and of clients: a theorem for people.

   The steps are those of model/designs/built_in/per_slot_cache.py with the property of properties/no_lost_write.py; a
   test writes the relation `step` anew from what is recorded there and compares it with this file. `Page` and `Client`
   are any types, finite or not. A step is atomic; between two steps of a client everybody else may move. What a move
   chooses (`page`, `want`, `span`) is any set of pages here; a design chooses a page or a set that is not empty, so
   that everything it does is done here too.

   Check it with `coqc per_slot_cache.v` (Coq 8.16). It uses no axiom, as its last lines print. *)

From Coq Require Import Bool.

Set Implicit Arguments.

Section PerSlotCache.

Variables Page Client : Type.
Variable same : forall a b : Client, {a = b} + {a <> b}.

(* ---------------------------------------------------------------- sets of pages *)

Definition Pages := Page -> bool.
Definition none : Pages := fun _ => false.
Definition union (a b : Pages) : Pages := fun p => a p || b p.
Definition meet (a b : Pages) : Pages := fun p => a p && b p.
Definition minus (a b : Pages) : Pages := fun p => a p && negb (b p).
Definition within (a b : Pages) : Prop := forall p, a p = true -> b p = true.
Infix "∪" := union (at level 50, left associativity).
Infix "∩" := meet (at level 40, left associativity).
Infix "∖" := minus (at level 45, left associativity).
Infix "⊆" := within (at level 70).

(* ---------------------------------------------------------------- states *)

(* Where a client is: between two operations, or behind the step of this name. *)
Inductive Location := idle | at_sync_reported | at_clear_chosen | at_clear_cleared | at_clear_forgotten.

(* The kernel's log, the slot's cache and its lock; of each client its bitmaps, what it has not read, and the registers
   of its clear; of the property whether the guest has stopped, who is watched, and how far its last sync is. *)
Record State := state {
  kernel : Pages;
  cache : Pages;
  user : Client -> Pages;
  mine : Client -> Pages;
  unread : Client -> Pages;
  my_want : Client -> Pages;
  my_span : Client -> Pages;
  my_known : Client -> Pages;
  at_ : Client -> Location;
  slots_lock : option Client;
  stopped : bool;
  watched : Client -> bool;
  began : bool;
  synced : bool
}.

Definition start : State := {|
  kernel := none; cache := none;
  user := fun _ => none; mine := fun _ => none; unread := fun _ => none;
  my_want := fun _ => none; my_span := fun _ => none; my_known := fun _ => none;
  at_ := fun _ => idle; slots_lock := None;
  stopped := false; watched := fun _ => false; began := false; synced := false
|}.

Definition set_kernel (v : Pages) (s : State) : State := state v (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_cache (v : Pages) (s : State) : State := state (kernel s) v (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_user (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) v (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_mine (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) (user s) v (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_unread (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) v (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_my_want (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) v (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_my_span (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) v (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_my_known (v : Client -> Pages) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) v (at_ s) (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_at_ (v : Client -> Location) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) v (slots_lock s) (stopped s) (watched s) (began s) (synced s).
Definition set_slots_lock (v : option Client) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) v (stopped s) (watched s) (began s) (synced s).
Definition set_stopped (v : bool) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) v (watched s) (began s) (synced s).
Definition set_watched (v : Client -> bool) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) v (began s) (synced s).
Definition set_began (v : bool) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) v (synced s).
Definition set_synced (v : bool) (s : State) : State := state (kernel s) (cache s) (user s) (mine s) (unread s) (my_want s) (my_span s) (my_known s) (at_ s) (slots_lock s) (stopped s) (watched s) (began s) v.

Definition put V (f : Client -> V) (me : Client) (v : V) : Client -> V := fun c => if same c me then v else f c.
Notation "s |> f" := (f s) (at level 90, left associativity, only parsing).

(* ---------------------------------------------------------------- the steps, as recorded *)

Section Steps.
Variable s : State.

Inductive step : State -> Prop :=
  | write (page : Pages) :
      stopped s = false ->
      step (s
        |> set_kernel (kernel s ∪ page)
        |> set_unread ((fun c => unread s c ∪ page)))
  | collect (me : Client) :
      at_ s me = idle ->
      step (s
        |> set_mine (put (mine s) me (mine s me ∪ user s me))
        |> set_user (put (user s) me none))
  | sync_reported (me : Client) :
      at_ s me = idle ->
      slots_lock s = None ->
      step (s
        |> set_cache (kernel s)
        |> set_began (began s || (stopped s && watched s me))
        |> set_at_ (put (at_ s) me at_sync_reported)
        |> set_slots_lock (Some me))
  | sync_merged (me : Client) :
      at_ s me = at_sync_reported ->
      step (s
        |> set_user ((fun c => user s c ∪ cache s))
        |> set_synced (synced s || (began s && watched s me))
        |> set_at_ (put (at_ s) me idle)
        |> set_slots_lock (None))
  | clear_chosen (me : Client) (want : Pages) (span : Pages) :
      at_ s me = idle ->
      want ⊆ mine s me ->
      want ⊆ span ->
      step (s
        |> set_my_want (put (my_want s) me want)
        |> set_my_span (put (my_span s) me span)
        |> set_at_ (put (at_ s) me at_clear_chosen))
  | clear_cleared (me : Client) :
      at_ s me = at_clear_chosen ->
      slots_lock s = None ->
      step (s
        |> set_my_known (put (my_known s) me (cache s ∩ my_span s me))
        |> set_kernel (kernel s ∖ (cache s ∩ my_span s me))
        |> set_at_ (put (at_ s) me at_clear_cleared)
        |> set_slots_lock (Some me))
  | clear_forgotten (me : Client) :
      at_ s me = at_clear_cleared ->
      step (s
        |> set_cache (cache s ∖ my_known s me)
        |> set_at_ (put (at_ s) me at_clear_forgotten)
        |> set_slots_lock (None))
  | clear_read (me : Client) :
      at_ s me = at_clear_forgotten ->
      step (s
        |> set_mine (put (mine s) me (mine s me ∖ my_want s me))
        |> set_unread (put (unread s) me (unread s me ∖ my_want s me))
        |> set_my_span (put (my_span s) me none)
        |> set_my_known (put (my_known s) me none)
        |> set_my_want (put (my_want s) me none)
        |> set_at_ (put (at_ s) me idle))
  | stop (client : Client) :
      stopped s = false ->
      step (s
        |> set_stopped (true)
        |> set_watched (put (watched s) client true)).

(* ---------------------------------------------------------------- the end of the steps *)
End Steps.

Inductive reachable : State -> Prop :=
  | at_start : reachable start
  | by_step s t : reachable s -> step s t -> reachable t.

(* ---------------------------------------------------------------- what always holds *)

Definition settled (s : State) (c : Client) : Prop :=  (* no sync is between its report and its end *)
  match slots_lock s with Some h => at_ s h = at_clear_cleared | None => True end.

Record Invariant (s : State) : Prop := {
  holder : forall c, slots_lock s = Some c <-> at_ s c = at_sync_reported \/ at_ s c = at_clear_cleared;
  synced_began : synced s = true -> began s = true;
  began_stopped : began s = true -> stopped s = true;
  promised : forall c p, unread s c p = true -> kernel s p || user s c p || mine s c p = true;
  covered : began s = true -> forall p, kernel s p = true -> cache s p = true;
  owed : (forall h, at_ s h <> at_sync_reported) -> forall c p, cache s p = true -> user s c p || mine s c p = true;
  told : synced s = true -> forall h, slots_lock s = Some h ->
    forall c p, unread s c p = true -> user s c p || mine s c p = true;
  apart : began s = true -> forall h, at_ s h = at_clear_cleared ->
    forall p, kernel s p = true -> my_known s h p = false;
  again : (forall h, at_ s h <> at_sync_reported) -> forall c, at_ s c <> at_clear_chosen -> at_ s c <> at_clear_cleared ->
    forall p, my_want s c p = true -> cache s p = true -> user s c p = true;
  no_want : forall c, at_ s c = idle \/ at_ s c = at_sync_reported -> forall p, my_want s c p = false;
  taken : forall h, at_ s h = at_clear_cleared ->
    forall p, my_want s h p = true -> cache s p = true -> my_known s h p = true;
  in_span : forall c, at_ s c = at_clear_chosen -> forall p, my_want s c p = true -> my_span s c p = true
}.
(* ---------------------------------------------------------------- that it does *)

Ltac learn H := let T := type of H in match goal with _ : T |- _ => fail 1 | _ => pose proof H end.

Ltac cases := repeat match goal with
  | |- context [same ?a ?b] => destruct (same a b); subst
  | H : context [same ?a ?b] |- _ => destruct (same a b); subst
  end.

(* Every truth value in the goal is either. *)
Ltac atoms := repeat match goal with
  | |- context [?x] => match type of x with bool => match x with
      | true => fail 1 | false => fail 1 | orb _ _ => fail 1 | andb _ _ => fail 1 | negb _ => fail 1
      | _ => let E := fresh "E" in destruct x eqn:E end end
  end.

(* Forward, as far as what is known leads; then by cases. *)
Ltac forward := repeat (match goal with
  | H : _ || _ = true |- _ => apply orb_true_iff in H
  | H : _ && _ = true |- _ => apply andb_true_iff in H
  | H : negb _ = true |- _ => apply negb_true_iff in H
  | H : ?A -> _, K : ?A |- _ => match type of A with Prop => specialize (H K) end
  | H : ?A \/ ?B -> _, K : ?A |- _ => specialize (H (or_introl K))
  | H : ?A \/ ?B -> _, K : ?B |- _ => specialize (H (or_intror K))
  | H : (?a <> ?b) -> _ |- _ => let X := fresh in assert (X : a <> b) by congruence; specialize (H X)
  | H : _ <-> _ |- _ => destruct H
  | H : _ /\ _ |- _ => destruct H
  | H : _ \/ _ |- _ => destruct H
  end; try congruence).

Lemma invariant_start : Invariant start.
Proof. constructor; cbn; unfold none; intuition (try discriminate). Qed.

Lemma invariant_step : forall s t, Invariant s -> step s t -> Invariant t.
Proof.
  intros s t I St. destruct I as [Ho Sb Bs Pr Co Ow To Ap Ag Nw Ta Is].
  (* Nobody is between a sync's report and its end, where that follows from who holds the lock. *)
  Ltac settle s Ho := try match goal with
    | _ : forall h, at_ s h <> at_sync_reported |- _ => fail 1
    | me : Client |- _ => assert (Settled : forall h, at_ s h <> at_sync_reported) by
        (let h := fresh in let E := fresh in intros h E; pose proof (Ho h); pose proof (Ho me);
         repeat match goal with X : forall h, _ <> at_sync_reported |- _ => specialize (X h) end;
         cases; intuition congruence)
    end.
  Ltac facts s Ho Pr Co Ow To Ap Ag Nw Ta Is :=
    repeat match goal with
    | c : Client |- _ => learn (Ho c)
    | p : Page, c : Client |- _ => learn (Pr c p)
    | p : Page, c : Client |- _ => learn (fun x => Nw c x p)
    | p : Page, c : Client |- _ => learn (fun x => Ta c x p)
    | p : Page, c : Client |- _ => learn (fun x => Is c x p)
    | p : Page |- _ => learn (fun x => Co x p)
    | p : Page, h : Client |- _ => learn (fun x y => Ap x h y p)
    | p : Page, c : Client, h : Client |- _ => learn (fun x y => To x h y c p)
    | S : forall h : Client, _ <> at_sync_reported, c : Client |- _ => learn (S c)
    | S : forall h, at_ s h <> at_sync_reported, p : Page, c : Client |- _ => learn (Ow S c p)
    | S : forall h, at_ s h <> at_sync_reported, p : Page, c : Client |- _ => learn (fun x y => Ag S c x y p)
    end.
  destruct St; constructor; cbn; unfold put, union, meet, minus, none, within in *; intros; try solve [eauto 4 | congruence].
  all: settle s Ho; facts s Ho Pr Co Ow To Ap Ag Nw Ta Is; clear Ho Pr Co Ow To Ap Ag Nw Ta Is.
  all: repeat match goal with X : forall h, _ <> at_sync_reported |- _ => clear X end.
  all: repeat match goal with X : forall q : Page, _, p : Page |- _ => specialize (X p) end.
  all: cases.
  all: try solve [atoms; cbn in *; forward].
  all: intuition congruence.  (* who holds the lock *)
Qed.

Theorem invariant : forall s, reachable s -> Invariant s.
Proof. induction 1; eauto using invariant_start, invariant_step. Qed.

(* ---------------------------------------------------------------- the two theorems *)

(* What a client has not read in its newest version is still promised to it by some bit. *)
Theorem promise_kept : forall s, reachable s -> forall c, unread s c ⊆ kernel s ∪ user s c ∪ mine s c.
Proof. intros s R c p U. exact (promised (invariant R) c p U). Qed.

(* When the guest has stopped and the watched client has completed a whole sync since, is idle, and has nothing left in
   its bitmaps, then it has read every write. *)
Theorem no_lost_write : forall s, reachable s -> forall c,
  watched s c = true -> synced s = true -> at_ s c = idle -> user s c ∪ mine s c ⊆ none -> unread s c ⊆ none.
Proof.
  intros s R c _ D _ N p U. apply N. change (user s c p || mine s c p = true). pose proof (invariant R) as I.
  destruct (slots_lock s) as [h|] eqn:L; [exact (told I D L c p U)|].
  pose proof (synced_began I D) as B. pose proof (promised I c p U) as P.
  destruct (user s c p || mine s c p) eqn:E; [reflexivity|]. rewrite <- E. apply (owed I).
  - intros h A. assert (slots_lock s = Some h) by (apply (holder I); left; exact A). congruence.
  - apply (covered I B). rewrite <- orb_assoc, E, orb_false_r in P. exact P.
Qed.

End PerSlotCache.

Print Assumptions promise_kept.
Print Assumptions no_lost_write.
