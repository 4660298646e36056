"""Words of the target languages that no part of a design may have as its identifier there.

A name that ends in `LIKE` is a pattern of a whole family: an identifier of such a form gets a letter in front, for a
number after it would not help.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


C = _words("""
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof main
linux unix errno stdin stdout stderr EOF NULL
""")

# Source: spinlex.c of Spin 6.5.2, `Names` and `LTL_syms`; pan.h for what the generated C replaces.
PROMELA = _words("""
active assert atomic bit bool break byte c_code c_decl c_expr c_state c_track D_proctype do chan else empty enabled eval
false fi for full get_priority goto hidden if in init inline int len local ltl mtype nempty never nfull notrace np_ od
of pc_value pid printf priority printm proctype product provided return run d_step select set_priority short skip
timeout trace true show typedef unless unsigned xr xs cond accept progress end
always eventually until stronguntil weakuntil release implies equivalent
idle next now trans state uint uchar ushort ulong wasnew Addproc G_int G_long IfNotBlocked Index Max Offsetof PanSource
Pclaim Pinit SpinVersion StackSize TargetQ_Full TargetQ_NotFull UnBlock minseq0 maxseq0 getframe final cas mix rot rand
L_ctermid L_tmpnam P_tmpdir
""")
# words in capitals are macros of pan.c and of the headers that it includes, sa_ and their like those of signal.h;
# labels that begin with end, accept and progress mean something
PROMELA_LIKE = "[A-Z0-9_]+|Air[0-9]+|P[a-z0-9]+|Q[0-9]+|(sa|si|st|sigev|end|accept|progress)_.*"

# Source: "TLA+2: A Preliminary Guide", 2018, section 1; the operators of the modules that ours extends.
TLA = _words("""
ACTION ASSUME ASSUMPTION AXIOM BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE ENABLED EXCEPT
EXTENDS HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED ONLY OTHER PICK PROOF PROPOSITION
PROVE QED RECURSIVE STATE SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM UNCHANGED UNION USE VARIABLE VARIABLES WITH WITNESS
BOOLEAN STRING TRUE FALSE Nat Int Real Infinity Seq Head Tail Len Append SubSeq SelectSeq
Page NonEmpty Init Next Spec TypeOK vars me who
""")
# what TLC reads in a configuration
TLC = _words("""
INIT NEXT SPECIFICATION INVARIANT INVARIANTS PROPERTY PROPERTIES SYMMETRY CONSTRAINT CONSTRAINTS ACTION_CONSTRAINT
ACTION_CONSTRAINTS VIEW ALIAS TYPE TYPE_CONSTRAINT CHECK_DEADLOCK POSTCONDITION _PERIODIC
""")
TLA_LIKE = "(WF|SF)_.*"  # fairness; these letters begin no identifier
# modules that come with TLC: one of these names would be read in place of the design
MODULES = _words("""
Bags Bitwise CSV DyadicRationals FiniteSets FiniteSetsExt Folds Functions Graphs IOUtils Integers Json Naturals Peano
ProtoReals Randomization RealTime Reals Relation SVG Sequences SequencesExt TLAPS TLC TLCExt Toolbox
""")

# Source: the SMT-LIB Standard 2.6, appendix B; the theories Core, Ints, ArraysEx and FixedSizeBitVectors.
SMT = _words("""
BINARY DECIMAL HEXADECIMAL NUMERAL STRING as let match exists forall par assert echo exit push pop reset true false not
and or xor distinct ite Bool Int Real Array BitVec select store concat extract repeat zero_extend sign_extend
rotate_left rotate_right abs div mod divisible iff implies
error incomplete logic memout sat success theory unknown unsat unsupported
init move holds choice
""")
SMT_LIKE = "bv.*|set[0-9]+"  # functions of bit-vectors; the sets that a move chooses

# Source: lexer.mll of Cubicle, `keywords`, of 2011 to today; its types; what stands for `bool`
CUBICLE = _words("""
array assign case const else exists exists_other false forall forall_other good if in init invariant let not
number_procs predicate requires then transition true type uguard universal_unsafe unsafe var why3
bool int mbool proc real True False
""")
