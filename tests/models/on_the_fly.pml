/* SPDX-License-Identifier: MIT */
/* on_the_fly.pml - collectors/on_the_fly, core/protocol/satb.c and core/sweep.c as they are.
 *
 * Two mutators do whatever a program may do, in any order, and answer handshakes when they like; the collector
 * thread runs cycles for ever. What is one step here is in the code one access to shared memory, or a part without a
 * safepoint that nobody else can observe half done. Memory is sequentially consistent.
 *
 * An object is a cell, and a cell is a block. A log is the set of what it names. README.md has the bounds that `run`
 * chooses by macros, what the mutants (M_...) break, and what was found.
 *
 * Checked: nothing that roots or locals reach is freed; nothing freed is loaded, or got from a weak reference; a weak
 * reference that said NULL says so for ever; what was unreachable when RAISE was posted is free when the sweep ends,
 * but for blocks that a mutator is sweeping just then; a grey object is in one list; marking ends; no deadlock. */
#ifndef NO
#define NO 3                      /* objects */
#endif
#ifndef OPS0
#define OPS0 (ROOT + LOAD + LINK + NEW)
#endif
#ifndef OPS1
#define OPS1 (ROOT + LOAD)
#endif
/* What a mutator does besides answering; all load and drop. */
#define ROOT   1                  /* loads and stores the global root */
#define LOAD   2                  /* loads through objects */
#define CUT    4                  /* stores NULL in objects */
#define LINK   8                  /* has a second local, and stores one into the other's object */
#define NEW    16                 /* allocates */
#define BLOCK  32                 /* blocks at will */
#define WEAK   64                 /* resolves the weak reference */
#define REWEAK 128                /* makes another one when it has been cleared */
#define SPAWN  256                /* starts the other's thread, with a reference */
#define EXIT   512                /* its thread ends; SPAWN adopts the record */
#define CAN(m, op) (((m == 0 -> OPS0 : OPS1) & (op)) != 0)
#ifdef TWO_HOMES                  /* whose block it is */
#define HOME(o) ((o) & 1)
#else
#define HOME(o) 0
#endif
#ifndef FIN
#define FIN 0                     /* object 1 has a finalizer, which may make it reachable again */
#endif

#define BIT(o) (1 << (o))
#define WHITE 0                   /* of the cycle that has been posted last: the two marks swap names with RAISE, so that */
#define BLACK 1                   /* nothing else depends on which of them is meant: half as many states */
#define DEAD  2
byte cell[NO + 1];                /* mark, or DEAD */
byte slot[NO + 1];                /* its one field; 0: NULL */
#define REGION  0                 /* nobody's, dead */
#define PARTIAL 1                 /* dead, at home */
#define USED    2
#define UNSWEPT 3
#define SWEPT   4                 /* being swept by its home's mutator: sweep_block() under find() */
byte blk[NO + 1];
bit open, dead;                   /* sweeper->open, sweeper->dead */
byte global;                      /* a root of the program */

#define RAISE 0
#define SCAN  1
#define DRAIN 2
#define LOWER 3
byte posted = LOWER;              /* heap->phase */
byte grey, scanned, pool;         /* sets: otf->grey, otf->scanned, what was handed over of the logs */
byte rounds;

#define NONE 0                    /* no record yet */
#define RUN  1
#define BLK  2                    /* BLOCKED, EXITED */
#define CLM  3                    /* claimed by who collects */
byte st[2]; bit pend[2];          /* pend: has not answered */
byte thr = 2;                     /* mutator 1's thread: 0 none, 1 being started, 2 there */
byte la[2], lb[2];                /* locals; la[1] is the start reference, too */
byte ph[2]; bit pw[2];            /* what set_flags() was told last: it says all flags */
byte lg[2];                       /* its log */
#define UP(m)    (ph[m] != LOWER)
#define INS(m)   (ph[m] == RAISE)
#ifdef M_WHITE_IN_MARK            /* what a mutator makes stays white until LOWER */
#define BIRTH(m) (ph[m] != LOWER -> pw[m] : 1 - pw[m])
#else
#ifdef M_WHITE_IN_SWEEP           /* white again from LOWER on */
#define BIRTH(m) (ph[m] == RAISE || ph[m] == LOWER -> pw[m] : 1 - pw[m])
#else
#ifdef M_BLACK_EARLY              /* black from RAISE on, before its own frames were scanned */
#define BIRTH(m) (1 - pw[m])
#else
#define BIRTH(m) (ph[m] == RAISE -> pw[m] : 1 - pw[m])
#endif
#endif
#endif

#define MARK     0
#define CLOSING  1
#define CLEARING 2
byte weak = CLEARING;             /* satb_heap.weak */
byte target; bit which, said_null;  /* of a weak reference that is always reachable; a new one is another; ghost */
bit fin = FIN, due;               /* registered; due */

byte ri, rj, reached, lost;       /* ghosts: scratch; reachable; unreachable since RAISE was posted */

inline closure() { ri = 0;
  do :: ri < NO -> rj = 1; do :: rj <= NO -> if :: reached & BIT(rj) -> reached = reached | BIT(slot[rj]) :: else fi; rj++ :: else -> break od; ri++
  :: else -> break od; ri = 0; rj = 0 }
inline reach() { reached = BIT(global) | BIT(la[0]) | BIT(lb[0]) | BIT(la[1]) | BIT(lb[1]); if :: due -> reached = reached | BIT(1) :: else fi; closure() }
/* What a weak reference, or a finalizer, has brought back. */
inline regain(o) { reached = BIT(o); closure(); lost = lost & (255 - reached); reached = 0 }

/* sweep_block(): frees what has the colour. */
inline sweep(o) { if :: cell[o] == dead -> reach(); assert(!(reached & BIT(o))); reached = 0; cell[o] = DEAD; slot[o] = 0; lost = lost & (255 - BIT(o)) :: else fi }

/* claim() and scan_slot() of mark.c. */
#define FORGET(o) lg[0] = lg[0] & (255 - BIT(o)); lg[1] = lg[1] & (255 - BIT(o)); pool = pool & (255 - BIT(o))
inline scan(o) {
#ifdef M_SCAN_WITHOUT_CAS
  if :: o != 0 && cell[o] == WHITE -> d_step { assert(!((grey | scanned) & BIT(o))); cell[o] = BLACK; scanned = scanned | BIT(o); FORGET(o) } :: else fi
#else
  atomic { if :: o != 0 && cell[o] == WHITE -> cell[o] = BLACK; scanned = scanned | BIT(o); FORGET(o) :: else fi }
#endif
}

/* answer() of on_the_fly.c, called by gc_handshake_answer() on a mutator, or by await() under a claim: k is their copy of
 * what is posted. */
inline answer(m) {
#ifdef M_RAISE_LATE
  if :: k == RAISE -> scan(la[m]); if :: CAN(m, LINK) -> scan(lb[m]) :: else fi :: else fi;
#else
  if :: k == SCAN -> scan(la[m]); if :: CAN(m, LINK) -> scan(lb[m]) :: else fi :: else fi;
#endif
  d_step {
    pw[m] = WHITE; ph[m] = (k == DRAIN -> SCAN : k);                 /* set_flags() */
#ifdef M_DOWN_AT_SCAN
    if :: k == SCAN -> ph[m] = LOWER :: else fi;
#endif
#ifdef M_DOWN_AT_DRAIN
    if :: k == DRAIN -> ph[m] = LOWER :: else fi;
#endif
#ifdef M_RAISE_LATE                                                            /* the first scans, the second raises */
    if :: k == RAISE -> ph[m] = LOWER :: else fi;
#endif
#ifdef M_NO_FLUSH
    if :: k != DRAIN -> pool = pool | lg[m]; lg[m] = 0 :: else fi;
#else
    pool = pool | lg[m]; lg[m] = 0;                                            /* gc_log_flush() */
#endif
    if :: k == LOWER ->                                                   /* gc_sweep_hand_over() */
       ri = 1; do :: ri <= NO -> if :: HOME(ri) == m && blk[ri] != REGION -> assert(blk[ri] < UNSWEPT); blk[ri] = UNSWEPT :: else fi; ri++ :: else -> break od;
       ri = 0; open = 0
    :: else fi;
    if :: posted == k -> pend[m] = 0 :: else fi; k = 0 }
}

/* note() of satb.c */
inline note(m, old, new) {
  if :: UP(m) -> if :: old != 0 && cell[old] == pw[m] -> lg[m] = lg[m] | BIT(old) :: else fi;
#ifndef M_NO_INSERTS
     if :: INS(m) && new != 0 && cell[new] == pw[m] -> lg[m] = lg[m] | BIT(new) :: else fi
#endif
  :: else fi
}
/* gc_protocol_store(), gc_satb_store(): the exchange, and the entry. No safepoint in between. */
#ifdef M_PLAIN_STORE              /* reads, logs, and then stores */
#define STORE(g, S, v) atomic { g -> new = v; old = S; note(m, old, new); old = 0 }; atomic { S = new; new = 0; goto next }
#else
#ifndef FINE
#define STORE(g, S, v) d_step { g -> new = v; note(m, S, new); S = new; new = 0 }
#else
#define STORE(g, S, v) atomic { g -> new = v; old = S; S = new; if :: !UP(m) -> old = 0; new = 0; goto next :: else fi }; \
                       d_step { note(m, old, new); old = 0; new = 0 }; goto next
#endif
#endif
#define RUNS (st[m] == RUN)

proctype M(bit m) { byte old, new, t, x, k; bit fresh, w;   /* fresh: nobody else knows what la holds */
next:
  do
  :: atomic { RUNS && pend[m] -> k = posted }; answer(m)                                              /* gc_safepoint_slow() */
  :: d_step { RUNS && lg[m] != 0 -> pool = pool | lg[m]; lg[m] = 0 }           /* gc_log_make_room(): a chunk is full */
  :: d_step { CAN(m, ROOT) && RUNS && la[m] != global -> la[m] = global; fresh = 0; assert(la[m] == 0 || cell[la[m]] != DEAD) }
  :: d_step { CAN(m, LOAD) && RUNS && la[m] != 0 -> la[m] = slot[la[m]]; fresh = 0; assert(la[m] == 0 || cell[la[m]] != DEAD) }
  :: d_step { RUNS && la[m] != 0 -> la[m] = 0; fresh = 0 }
  :: d_step { CAN(m, LINK) && RUNS && la[m] != lb[m] -> lb[m] = la[m]; fresh = 0 }
  :: CAN(m, LINK) && RUNS && lb[m] != 0 -> lb[m] = 0
  :: STORE(CAN(m, ROOT) && RUNS && la[m] != global, global, la[m]); fresh = 0
  :: STORE(CAN(m, CUT) && RUNS && la[m] != 0 && slot[la[m]] != 0, slot[la[m]], 0)
  :: STORE(CAN(m, LINK) && RUNS && lb[m] != 0 && slot[lb[m]] != la[m], slot[lb[m]], la[m])
  :: STORE(CAN(m, LINK) && RUNS && la[m] != 0 && slot[la[m]] != lb[m], slot[la[m]], lb[m])
  :: d_step { CAN(m, LINK) && RUNS && fresh && la[m] != 0 && slot[la[m]] != lb[m] -> slot[la[m]] = lb[m] }   /* gc_store_new(): no barrier */
  :: CAN(m, NEW) && RUNS && la[m] == 0 ->                                      /* gc_new_slow(), gc_sweep_refill(), find() */
     atomic { x = 1; do :: x <= NO && !(HOME(x) == m && blk[x] == PARTIAL) -> x++ :: else -> break od;
       if :: x > NO && open -> x = 1; do :: x <= NO && !(HOME(x) == m && blk[x] == UNSWEPT) -> x++ :: else -> break od;
             if :: x <= NO -> blk[x] = SWEPT; goto sweeps :: else fi
       :: else fi;
       if :: x > NO -> x = 1; do :: x <= NO && !(HOME(x) == m && blk[x] == REGION) -> x++ :: else -> break od :: else fi; goto born };
sweeps: atomic { sweep(x); blk[x] = (cell[x] == DEAD -> PARTIAL : USED) };
born: atomic { if :: x <= NO && cell[x] == DEAD -> cell[x] = BIRTH(m); blk[x] = USED; la[m] = x; fresh = CAN(m, LINK) :: else fi; x = 0 }
  :: CAN(m, BLOCK) && RUNS -> st[m] = BLK                                      /* gc_blocked_begin() */
  :: CAN(m, EXIT) && m == 1 && RUNS && la[m] == 0 && lb[m] == 0 -> d_step { st[m] = BLK; thr = 0 }   /* gc_detach() */
#ifdef M_NO_CLAIM
  :: (CAN(m, BLOCK + EXIT + SPAWN)) && (st[m] == BLK || st[m] == CLM) && (m == 0 || thr == 2) -> st[m] = RUN
#else
  :: atomic { st[m] == BLK && (m == 0 || thr == 2) -> st[m] = RUN }            /* gc_blocked_end() */
#endif
  :: d_step { CAN(m, SPAWN) && RUNS && la[m] != 0 && thr == 0 && (st[1] == NONE || st[1] == BLK) -> thr = 1;   /* enrol() */
       if :: st[1] == NONE -> st[1] = BLK;                                     /* append_new(), home_start() */
#ifdef M_BORN_LOW
          ph[1] = LOWER; pw[1] = WHITE
#else
          ph[1] = (posted == DRAIN -> SCAN : posted); pw[1] = WHITE
#endif
       :: else fi }
  :: d_step { CAN(m, SPAWN) && RUNS && la[m] != 0 && thr == 1 -> la[1] = la[0]; fresh = 0; thr = 2;
#ifndef M_NO_TAKE
       note(m, la[m], 0)                                                       /* take() of satb.c */
#endif
       }
  :: d_step { CAN(m, REWEAK) && RUNS && la[m] != 0 && target == 0 -> target = la[m]; which = 1 - which; said_null = 0 }   /* gc_weak_new() */
  :: atomic { CAN(m, WEAK) && RUNS && la[m] == 0 && target != 0 -> t = target; w = which };          /* weak_resolve() */
     if :: UP(m) && !INS(m) ->
        do                                                                     /* revive() */
        :: cell[t] != pw[m] -> assert(cell[t] != DEAD); break
        :: else -> x = weak;
#ifdef M_WEAK_BARE
           break;
#endif
           if
           :: x == CLEARING -> t = 0; break
           :: x == MARK -> lg[m] = lg[m] | BIT(t); break
#ifdef M_NO_VETO
           :: x == CLOSING -> lg[m] = lg[m] | BIT(t); break
#else
           :: x == CLOSING -> atomic { if :: weak == CLOSING -> weak = MARK :: else fi }
#endif
           fi
        od
     :: else fi;
     atomic { x = 0;
#ifdef M_NO_REREAD
       if :: t != 0 ->
#else
       if :: t != 0 && target == t && which == w ->
#endif
          assert(cell[t] != DEAD && !(said_null && which == w)); la[m] = t; fresh = 0; regain(t)
       :: else -> if :: which == w -> said_null = 1 :: else fi fi; t = 0; w = 0 }
  od
}

/* shade() of mark.c */
inline shade(o) { if :: o != 0 && cell[o] == WHITE -> cell[o] = BLACK; grey = grey | BIT(o); FORGET(o) :: else fi }

/* otf_mark_logged() */
inline mark_logged() { d_step { i = 1; do :: i <= NO -> if :: pool & BIT(i) -> shade(i) :: else fi; i++ :: else -> break od; pool = 0; i = 0 } }

/* otf_trace_grey() */
inline trace_grey() {
  do :: atomic { grey != 0 -> i = 1; do :: i <= NO && !(grey & BIT(i)) -> i++ :: else -> break od; grey = grey & (255 - BIT(i)); shade(slot[i]); i = 0 }
     :: else -> break od
}

/* Whether a mutator is sweeping still what the cycle before has found: gc_sweep_is_under_way(). */
#if NO == 2
#define SWEEPS (blk[1] == SWEPT || blk[2] == SWEPT)
#endif
#if NO == 3
#define SWEEPS (blk[1] == SWEPT || blk[2] == SWEPT || blk[3] == SWEPT)
#endif
#if NO == 4
#define SWEEPS (blk[1] == SWEPT || blk[2] == SWEPT || blk[3] == SWEPT || blk[4] == SWEPT)
#endif
#ifdef M_MARK_IN_SWEEP
#define MAY_EMPTY (pool != 0)
#else
#define MAY_EMPTY (pool != 0 && !SWEEPS)
#endif
#ifndef M_NOT_AWAITED
#define M_NOT_AWAITED 9           /* which handshake's answers are not awaited */
#endif

/* otf->white = otf_black(otf->white): who has not answered RAISE yet has the old flags. */
inline swap() { i = 1; do :: i <= NO -> if :: cell[i] != DEAD -> cell[i] = 1 - cell[i] :: else fi; i++ :: else -> break od; i = 0;
  dead = 1 - dead; pw[0] = 1 - pw[0]; pw[1] = 1 - pw[1] }

/* gc_handshake_phase(): posts; answers for who is BLOCKED, under a claim; empties the log meanwhile: empty_log(). */
inline shake(what) {
  atomic { posted = what; pend[0] = 1; pend[1] = (st[1] != NONE);
    if :: what == RAISE -> swap();
#ifndef MUTANT
       assert((lg[0] | lg[1] | pool) == 0);                                      /* so that FORGET changes nothing */
#endif
#ifdef LIVENESS
       reach(); i = 1; do :: i <= NO -> if :: cell[i] != DEAD && blk[i] != SWEPT && !(reached & BIT(i)) -> lost = lost | BIT(i) :: else fi; i++ :: else -> break od; i = 0; reached = 0
#endif
    :: else fi };
  do
  :: !(pend[0] || pend[1]) || what == M_NOT_AWAITED -> break
  :: atomic { pend[0] && st[0] == BLK -> st[0] = CLM }; if :: atomic { pend[0] -> k = posted }; answer(0) :: else fi; atomic { if :: st[0] == CLM -> st[0] = BLK :: else fi }
  :: atomic { pend[1] && st[1] == BLK -> st[1] = CLM }; if :: atomic { pend[1] -> k = posted }; answer(1) :: else fi; atomic { if :: st[1] == CLM -> st[1] = BLK :: else fi }
  :: MAY_EMPTY && (pend[0] || pend[1]) -> mark_logged()
  od
}

proctype C() { byte i, k;
  do :: true ->                                                                /* collect() */
#ifndef M_ONE_HANDSHAKE
     shake(RAISE);                                                             /* mark_all() */
#else
     d_step { swap() };
#endif
     weak = MARK;
     shake(SCAN);
     atomic { grey = grey | scanned; scanned = 0; shade(global) };             /* otf_mark_roots() */
     rounds = 0;
     do :: trace_grey(); mark_logged();                                        /* otf_trace() */
        if :: grey != 0 -> goto more :: else fi;
#ifdef M_NO_DRAIN
        weak = CLEARING; break;
#endif
        weak = CLOSING;
        shake(DRAIN);
#ifdef LIVENESS
        rounds++; assert(rounds <= NO + 2);
#endif
        mark_logged();
        if :: grey == 0 -> atomic { if :: weak == CLOSING -> weak = CLEARING; goto over :: else fi } :: else fi;
        weak = MARK;
more:   skip
     od;
over:
     atomic { if :: target != 0 && cell[target] == WHITE -> target = 0 :: else fi };   /* care(): gc_due_clear_weak() */
     d_step { if :: fin && cell[1] == WHITE -> fin = 0; due = 1; regain(1); shade(1) :: else fi };   /* gc_due_find_finalizers() */
     trace_grey();
     shake(LOWER);
     atomic { open = 1; dead = WHITE };                                        /* gc_sweep_open() */
#ifndef M_FLIP_EARLY
     i = 1;
     do :: i <= NO -> d_step { if :: blk[i] == UNSWEPT -> sweep(i); blk[i] = (cell[i] == DEAD -> REGION : USED) :: else fi; i++ }   /* gc_sweep_some() */
        :: else -> break od; i = 0;
#endif
     d_step { i = 1; do :: i <= NO -> assert(!(lost & BIT(i)) || blk[i] == SWEPT); i++ :: else -> break od; i = 0; lost = 0 };
     if :: due -> atomic { if :: global = 1 :: skip fi; due = 0 } :: else fi          /* gc_due_run(): the finalizer */
  od
}

init {
  d_step { ri = 1; do :: ri <= NO -> cell[ri] = DEAD; ri++ :: else -> break od; ri = 0; cell[0] = DEAD;
    cell[1] = BLACK; blk[1] = USED;
#ifdef HELD                                                                    /* an object that a local alone holds */
    la[1] = 1;
#else
    cell[2] = BLACK; blk[2] = USED; slot[1] = 2; global = 1;
#endif
    target = (CAN(0, WEAK) || CAN(1, WEAK) -> 2 : 0);
    ph[0] = LOWER; ph[1] = LOWER;  st[0] = RUN; st[1] = RUN;
    if :: CAN(0, SPAWN) -> st[1] = NONE; thr = 0 :: else fi };
  atomic { run M(0); run M(1); run C() }
}
