; host: x * / end.
; never: x.
; At 2 pages, 2 clients. Expected: violated, by 1 moves at least.
; sat: violated within 1 moves; unsat: not within 1 moves, which proves no more.
; Run:
;   z3 query.smt2
;   cvc5 query.smt2
; Design: sha256 2b02d2192589dc4a1a6fb2fc498a585970bd76800d2b078573bae88b516a8902
(set-logic QF_BV)
(set-info :status sat)

(define-fun init ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1))) Bool (and true
  (= a #b00)
  (= f false)
  (= at_MIGRATION #b0)
  (= at_VGA #b0)
))

; never
(define-fun holds ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1))) Bool (and true
  (= (bvand a #b00) a)
))

(define-fun go_au7C_b_by_MIGRATION ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1)) (a! (_ BitVec 2)) (f! Bool) (at_MIGRATION! (_ BitVec 1)) (at_VGA! (_ BitVec 1)) (set0 (_ BitVec 2))) Bool (and true
  (and (not (= set0 #b00)) (= (bvand set0 (bvsub set0 #b01)) #b00))
  (= at_MIGRATION #b0)
  (= a! (bvor a set0))
  (= f! f)
  (= at_MIGRATION! #b1)
  (= at_VGA! at_VGA)
))

(define-fun go_au7C_b_by_VGA ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1)) (a! (_ BitVec 2)) (f! Bool) (at_MIGRATION! (_ BitVec 1)) (at_VGA! (_ BitVec 1)) (set0 (_ BitVec 2))) Bool (and true
  (and (not (= set0 #b00)) (= (bvand set0 (bvsub set0 #b01)) #b00))
  (= at_VGA #b0)
  (= a! (bvor a set0))
  (= f! f)
  (= at_MIGRATION! at_MIGRATION)
  (= at_VGA! #b1)
))

(define-fun go_two_by_MIGRATION ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1)) (a! (_ BitVec 2)) (f! Bool) (at_MIGRATION! (_ BitVec 1)) (at_VGA! (_ BitVec 1)) (set0 (_ BitVec 2))) Bool (and true
  (= at_MIGRATION #b1)
  (= a! #b00)
  (= f! f)
  (= at_MIGRATION! #b0)
  (= at_VGA! at_VGA)
))

(define-fun go_two_by_VGA ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1)) (a! (_ BitVec 2)) (f! Bool) (at_MIGRATION! (_ BitVec 1)) (at_VGA! (_ BitVec 1)) (set0 (_ BitVec 2))) Bool (and true
  (= at_VGA #b1)
  (= a! #b00)
  (= f! f)
  (= at_MIGRATION! at_MIGRATION)
  (= at_VGA! #b0)
))

(define-fun move ((a (_ BitVec 2)) (f Bool) (at_MIGRATION (_ BitVec 1)) (at_VGA (_ BitVec 1)) (a! (_ BitVec 2)) (f! Bool) (at_MIGRATION! (_ BitVec 1)) (at_VGA! (_ BitVec 1)) (choice (_ BitVec 3)) (set0 (_ BitVec 2))) Bool (or false
  (and (= choice #b000) (go_au7C_b_by_MIGRATION a f at_MIGRATION at_VGA a! f! at_MIGRATION! at_VGA! set0))
  (and (= choice #b001) (go_au7C_b_by_VGA a f at_MIGRATION at_VGA a! f! at_MIGRATION! at_VGA! set0))
  (and (= choice #b010) (go_two_by_MIGRATION a f at_MIGRATION at_VGA a! f! at_MIGRATION! at_VGA! set0))
  (and (= choice #b011) (go_two_by_VGA a f at_MIGRATION at_VGA a! f! at_MIGRATION! at_VGA! set0))
  (and (= choice #b100) (= a! a) (= f! f) (= at_MIGRATION! at_MIGRATION) (= at_VGA! at_VGA))
))

(declare-const a@0 (_ BitVec 2))
(declare-const f@0 Bool)
(declare-const at_MIGRATION@0 (_ BitVec 1))
(declare-const at_VGA@0 (_ BitVec 1))
(assert (init a@0 f@0 at_MIGRATION@0 at_VGA@0))
(declare-const a@1 (_ BitVec 2))
(declare-const f@1 Bool)
(declare-const at_MIGRATION@1 (_ BitVec 1))
(declare-const at_VGA@1 (_ BitVec 1))
(declare-const choice@1 (_ BitVec 3))
(declare-const set0@1 (_ BitVec 2))
(assert (move a@0 f@0 at_MIGRATION@0 at_VGA@0 a@1 f@1 at_MIGRATION@1 at_VGA@1 choice@1 set0@1))
(assert (not (holds a@1 f@1 at_MIGRATION@1 at_VGA@1)))
(check-sat)
